package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/internal/report"
)

// variables are all that the program, the Vulkan loader and the software
// drivers read, in the order in which they are listed.
var variables = []struct{ name, meaning string }{
	{"ANCHORVK_DEVICE", "device to use: its index in `anchorvk devices` or part of its name"},
	{"ANCHORVK_TIER", "kernel tier to use instead of the best one"},
	{"ANCHORVK_TUNING", "choices of tuning, such as rows=2,keys=4,identify.rows=2,way=uint; off ignores what bench --tune stored"},
	{"ANCHORVK_DISABLE", "features to do without: a list with commas, such as float16,subgroup"},
	{"ANCHORVK_SLICE_MS", "GPU time in ms that one submission aims at (default 100)"},
	{"ANCHORVK_VALIDATE", "1 turns the Khronos validation layer on"},
	{"ANCHORVK_CACHE_DIR", "directory for compiled pipelines and stored tuning, anchorvk in the user's cache directory by default; off keeps nothing"},
	{"ANCHORVK_LOG", "messages on stderr: debug, info, warn (default) or error"},
	{"NO_COLOR", "any value turns colours off"},
	{"VK_DRIVER_FILES", "loader: the driver manifests to use instead of the installed ones"},
	{"VK_ADD_DRIVER_FILES", "loader: driver manifests to use as well"},
	{"VK_ICD_FILENAMES", "loader: older name of VK_DRIVER_FILES"},
	{"VK_LAYER_PATH", "loader: directories with layer manifests"},
	{"VK_INSTANCE_LAYERS", "loader: layers to turn on"},
	{"VK_LOADER_LAYERS_ENABLE", "loader: layers to turn on, with wildcards"},
	{"VK_LOADER_LAYERS_DISABLE", "loader: layers to turn off, such as ~implicit~ or *renderdoc*"},
	{"VK_LOADER_DEBUG", "loader: its own messages, such as all or error,warn"},
	{"LP_NUM_THREADS", "lavapipe: number of threads"},
	{"LP_NATIVE_VECTOR_WIDTH", "lavapipe: vector width in bits, which sets the subgroup size"},
}

type variableRecord struct {
	Name    string  `json:"name"`
	Value   *string `json:"value"` // null when it is not set
	Meaning string  `json:"meaning"`
}

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "List every environment variable with its value, and the Vulkan layers in use",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			doc := report.Document{Key: "variables", Columns: []report.Column{
				{Head: "variable", Key: "name"},
				{Head: "value", Key: "value"},
				{Head: "meaning", Key: "meaning"},
			}}
			for _, v := range variables {
				r := variableRecord{Name: v.name, Meaning: v.meaning}
				if value, ok := a.env.lookup(v.name); ok {
					r.Value = &value
				}
				doc.Records = append(doc.Records, r)
			}
			a.addLayers(&doc)
			return doc.Write(a.stdout, a.format)
		},
	}
}

// addLayers adds the layers between this process and the drivers, which may
// change what a device can do.
func (a *app) addLayers(doc *report.Document) {
	layers := a.backend.layers()
	var list strings.Builder
	for _, l := range layers {
		fmt.Fprintf(&list, "\n  %s: %s, %s", l.Name, l.Why, l.File)
	}
	if len(layers) == 0 {
		list.WriteString(" none")
	}
	doc.Foot += "\nVulkan layers in this process:" + list.String()
	doc.Members = append(doc.Members, report.Member{Key: "layers", Value: layers})
}
