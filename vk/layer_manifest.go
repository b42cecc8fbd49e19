package vk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// layerManifest is what matters here of a layer's description for the loader.
type layerManifest struct {
	Name       string            `json:"name"`
	Components []string          `json:"component_layers"`
	Enable     map[string]string `json:"enable_environment"`
	Disable    map[string]string `json:"disable_environment"`
}

type manifestFile struct {
	file  string
	layer layerManifest
}

// maxManifest is far above what a manifest takes.
const maxManifest = 1 << 20

// manifests reads the manifests of a kind that the loader finds: in the directories
// or files of a variable, else in the system's; another variable adds to them.
func (e environment) manifests(kind, instead, more string) []manifestFile {
	places := e.list(more)
	if only := e.list(instead); len(only) > 0 {
		places = append(places, only...)
	} else {
		places = append(places, e.layerDirs(kind)...)
	}
	var found []manifestFile
	for _, place := range places {
		files := []string{place}
		if !strings.HasSuffix(place, ".json") {
			files, _ = filepath.Glob(filepath.Join(escapeGlob(place), "*.json"))
		}
		for _, file := range files {
			for _, l := range readManifest(file) {
				found = append(found, manifestFile{file, l})
			}
		}
	}
	return found
}

// escapeGlob lets a path stand for itself in a pattern.
func escapeGlob(path string) string {
	if runtime.GOOS == "windows" {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// readManifest is nil for what is no manifest.
func readManifest(file string) []layerManifest {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxManifest {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var m struct {
		Layer  *layerManifest  `json:"layer"`
		Layers []layerManifest `json:"layers"`
	}
	if json.Unmarshal(text, &m) != nil {
		return nil
	}
	if m.Layer != nil {
		m.Layers = append(m.Layers, *m.Layer)
	}
	return slices.DeleteFunc(m.Layers, func(l layerManifest) bool { return l.Name == "" })
}

// layerDirs are the directories of the system and the user, as on Linux, BSD and macOS.
func (e environment) layerDirs(kind string) []string {
	if runtime.GOOS == "windows" { // where the registry lists manifests
		return nil
	}
	home := e.get("HOME")
	first := func(variable, below string) []string {
		switch dir := e.get(variable); {
		case dir != "":
			return []string{dir}
		case home != "":
			return []string{filepath.Join(home, below)}
		}
		return nil
	}
	orElse := func(variable string, dirs ...string) []string {
		if list := e.list(variable); len(list) > 0 {
			return list
		}
		return dirs
	}
	bases := first("XDG_CONFIG_HOME", ".config")
	bases = append(bases, orElse("XDG_CONFIG_DIRS", "/etc/xdg")...)
	bases = append(bases, "/usr/local/etc", "/etc")
	bases = append(bases, first("XDG_DATA_HOME", ".local/share")...)
	bases = append(bases, orElse("XDG_DATA_DIRS", "/usr/local/share", "/usr/share")...)
	var dirs []string
	for _, base := range bases {
		if dir := filepath.Join(base, "vulkan", kind); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
