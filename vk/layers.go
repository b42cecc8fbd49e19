package vk

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Layer is a layer that the Vulkan loader puts between this process and the
// drivers.
type Layer struct {
	Name string `json:"name"`
	// Why says what turns it on: the environment variable, or that it is
	// installed, where nothing else is needed.
	Why  string `json:"why"`
	File string `json:"file"` // its manifest
}

// ActiveLayers lists the layers that the environment and what is installed turn
// on in this process, as the Vulkan loader decides it. It needs no loader and no
// device. Layers that the program itself asks for, as Options.Validate does, are
// not among them. On Windows only those that environment variables name are
// known, and those in the directories that they name.
func ActiveLayers() []Layer { return activeLayers(os.LookupEnv) }

// layerNames are the names of ActiveLayers.
func layerNames() string {
	var names []string
	for _, l := range ActiveLayers() {
		names = append(names, l.Name)
	}
	return strings.Join(names, ", ")
}

// layersText is the end of an error that a layer may be to blame for, "" without layers.
func layersText() string {
	var list []string
	for _, l := range ActiveLayers() {
		list = append(list, l.Name+" ("+l.Why+")")
	}
	if len(list) == 0 {
		return ""
	}
	return "; Vulkan layers in this process, which may be to blame: " + strings.Join(list, ", ")
}

func activeLayers(lookup func(string) (string, bool)) []Layer {
	env := environment{lookup}
	active := []Layer{}
	add := func(name, why, file string) {
		if !slices.ContainsFunc(active, func(l Layer) bool { return l.Name == name }) {
			active = append(active, Layer{name, why, file})
		}
	}
	for _, m := range env.manifests("implicit_layer.d", "VK_IMPLICIT_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH") {
		if why := env.implicit(&m.layer); why != "" {
			add(m.layer.Name, why, m.file)
			for _, name := range m.layer.Components {
				add(name, "a component of "+m.layer.Name, m.file)
			}
		}
	}
	for _, m := range env.manifests("explicit_layer.d", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH") {
		if why := env.explicit(m.layer.Name); why != "" {
			add(m.layer.Name, why, m.file)
		}
	}
	return active
}

// environment decides as the loader's documentation has it.
type environment struct {
	lookup func(string) (string, bool)
}

func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

// list splits a variable that holds paths.
func (e environment) list(name string) []string {
	return slices.DeleteFunc(filepath.SplitList(e.get(name)), func(s string) bool { return s == "" })
}

// explicit says why a layer that must be asked for is on, "" when it is off.
func (e environment) explicit(name string) string {
	switch {
	case slices.Contains(e.list("VK_INSTANCE_LAYERS"), name):
		return "VK_INSTANCE_LAYERS"
	case e.matches("VK_LOADER_LAYERS_ENABLE", name, "~explicit~"):
		return "VK_LOADER_LAYERS_ENABLE"
	}
	return ""
}

// implicit says why a layer that nobody need ask for is on, "" when it is off.
func (e environment) implicit(l *layerManifest) string {
	switch {
	case slices.Contains(e.list("VK_INSTANCE_LAYERS"), l.Name):
		return "VK_INSTANCE_LAYERS"
	case e.matches("VK_LOADER_LAYERS_ENABLE", l.Name, "~implicit~"):
		return "VK_LOADER_LAYERS_ENABLE"
	case e.matches("VK_LOADER_LAYERS_DISABLE", l.Name, "~implicit~") && !e.matches("VK_LOADER_LAYERS_ALLOW", l.Name, "~implicit~"):
		return ""
	}
	for variable := range l.Disable {
		if _, set := e.lookup(variable); set {
			return ""
		}
	}
	if len(l.Enable) == 0 {
		return "installed"
	}
	for variable, value := range l.Enable {
		if got, set := e.lookup(variable); set && got == value {
			return variable
		}
	}
	return ""
}

// matches says whether a variable that lists names with wildcards, or kinds of
// layers, has a layer.
func (e environment) matches(variable, name, kind string) bool {
	for _, pattern := range strings.Split(e.get(variable), ",") {
		switch pattern = strings.TrimSpace(pattern); pattern {
		case "":
			continue
		case "~all~", "*":
			return true
		case kind:
			return true
		}
		if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name)); err == nil && ok {
			return true
		}
	}
	return false
}
