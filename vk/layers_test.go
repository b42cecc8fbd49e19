package vk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func writeManifest(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o600))
}

func TestActiveLayers(t *testing.T) {
	home := t.TempDir()
	implicit, explicit := filepath.Join(home, "data", "vulkan", "implicit_layer.d"), filepath.Join(home, "data", "vulkan", "explicit_layer.d")
	writeManifest(t, implicit, "always", `{"layer": {"name": "VK_LAYER_always", "disable_environment": {"NO_ALWAYS": "1"}}}`)
	writeManifest(t, implicit, "capture", `{"layer": {"name": "VK_LAYER_capture", "enable_environment": {"CAPTURE": "1"}, "disable_environment": {"NO_CAPTURE": "1"}}}`)
	writeManifest(t, implicit, "broken", `{"layer": `)
	writeManifest(t, implicit, "other", `[1, 2]`)
	writeManifest(t, explicit, "check", `{"layers": [{"name": "VK_LAYER_check"}, {"name": "VK_LAYER_trace"}]}`)
	extra := filepath.Join(home, "extra")
	writeManifest(t, extra, "override", `{"layer": {"name": "VK_LAYER_override", "component_layers": ["VK_LAYER_check"], "disable_environment": {"NO_OVERRIDE": "1"}}}`)

	for name, c := range map[string]struct {
		env  map[string]string
		want map[string]string // names, and why
	}{
		"nothing asked for":      {nil, map[string]string{"VK_LAYER_always": "installed"}},
		"switched off":           {map[string]string{"NO_ALWAYS": ""}, nil},
		"switched on":            {map[string]string{"CAPTURE": "1"}, map[string]string{"VK_LAYER_always": "installed", "VK_LAYER_capture": "CAPTURE"}},
		"with another value":     {map[string]string{"CAPTURE": "2"}, map[string]string{"VK_LAYER_always": "installed"}},
		"on and off":             {map[string]string{"CAPTURE": "1", "NO_CAPTURE": "1"}, map[string]string{"VK_LAYER_always": "installed"}},
		"asked for":              {map[string]string{"VK_INSTANCE_LAYERS": "VK_LAYER_none" + string(os.PathListSeparator) + "VK_LAYER_check"}, map[string]string{"VK_LAYER_always": "installed", "VK_LAYER_check": "VK_INSTANCE_LAYERS"}},
		"by wildcard":            {map[string]string{"VK_LOADER_LAYERS_ENABLE": "*CHECK,*cap*"}, map[string]string{"VK_LAYER_always": "installed", "VK_LAYER_check": "VK_LOADER_LAYERS_ENABLE", "VK_LAYER_capture": "VK_LOADER_LAYERS_ENABLE"}},
		"all explicit":           {map[string]string{"VK_LOADER_LAYERS_ENABLE": "~explicit~"}, map[string]string{"VK_LAYER_always": "installed", "VK_LAYER_check": "VK_LOADER_LAYERS_ENABLE", "VK_LAYER_trace": "VK_LOADER_LAYERS_ENABLE"}},
		"all implicit off":       {map[string]string{"VK_LOADER_LAYERS_DISABLE": "~implicit~", "CAPTURE": "1"}, nil},
		"all off but some":       {map[string]string{"VK_LOADER_LAYERS_DISABLE": "~all~", "VK_LOADER_LAYERS_ALLOW": "*always"}, map[string]string{"VK_LAYER_always": "installed"}},
		"elsewhere":              {map[string]string{"VK_IMPLICIT_LAYER_PATH": filepath.Join(home, "none")}, nil},
		"a layer of components":  {map[string]string{"VK_ADD_IMPLICIT_LAYER_PATH": extra, "NO_ALWAYS": "1"}, map[string]string{"VK_LAYER_override": "installed", "VK_LAYER_check": "a component of VK_LAYER_override"}},
		"a manifest by its name": {map[string]string{"VK_IMPLICIT_LAYER_PATH": filepath.Join(extra, "override.json"), "NO_OVERRIDE": "1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"HOME": home, "XDG_DATA_HOME": filepath.Join(home, "data"), "XDG_DATA_DIRS": filepath.Join(home, "none"), "XDG_CONFIG_DIRS": filepath.Join(home, "none")}
			if explicitOnly := os.PathListSeparator == ';'; explicitOnly { // where the system's are in the registry
				env["VK_IMPLICIT_LAYER_PATH"], env["VK_LAYER_PATH"] = implicit, explicit
			}
			for k, v := range c.env {
				env[k] = v
			}
			got := map[string]string{}
			for _, l := range activeLayers(func(name string) (string, bool) { v, ok := env[name]; return v, ok }) {
				if !strings.HasPrefix(l.File, home) {
					continue // the machine's own, of /etc
				}
				got[l.Name] = l.Why
				require.FileExists(t, l.File)
			}
			if c.want == nil {
				c.want = map[string]string{}
			}
			require.Equal(t, c.want, got)
		})
	}
}
