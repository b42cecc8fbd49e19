package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// tierRecord says whether a device passes a tier.
type tierRecord struct {
	Name tuning.Tier `json:"name"`
	OK   bool        `json:"ok"`
	Why  string      `json:"why"` // why not, or when it is used; "" when there is nothing to say
}

type devicesRecord struct {
	vk.Report
	Architecture tuning.Architecture `json:"architecture"` // the family that tuning goes by
	Tiers        []tierRecord        `json:"tiers"`
}

func (a *app) devicesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "devices",
		Short: "List the Vulkan devices, their limits and tiers",
		Long: `List the Vulkan devices with the limits that matter and the kernel tiers that
each passes, with the reason where it does not. The default device is the one
that the other commands use: a discrete GPU first, then an integrated one, a
virtual one, a CPU. ANCHORVK_DEVICE picks another by index or part of its name.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			o, err := a.options()
			if err != nil {
				return err
			}
			reports, err := a.backend.list(o)
			if err != nil {
				return err
			}
			if len(reports) == 0 {
				return &vk.NoDeviceError{Why: "the Vulkan loader lists none", Try: "install mesa-vulkan-drivers or set VK_DRIVER_FILES"}
			}
			return a.printDevices(reports)
		},
	}
}

func (a *app) printDevices(reports []vk.Report) error {
	doc := report.Document{Key: "devices", Columns: []report.Column{
		{Head: "#", Key: "index", Right: true},
		{Head: "device", Key: "name"},
		{Head: "type", Key: "type"},
		{Head: "architecture", Key: "architecture"},
		{Head: "driver", Key: "driver_info"},
		{Head: "Vulkan", Key: "api"},
		{Head: "subgroup", Key: "subgroup.size", Right: true},
		{Head: "shared", Key: "limits.shared_memory", Right: true, Show: report.Bytes},
		{Head: "largest binding", Key: "limits.max_storage_buffer_range", Right: true, Show: report.Bytes},
		{Head: "largest buffer", Key: "limits.max_allocation", Right: true, Show: report.Bytes},
		{Head: "default", Key: "default", Show: func(v any) string {
			if v == true {
				return "yes"
			}
			return ""
		}},
	}}
	var foot strings.Builder
	for i := range reports {
		r := devicesRecord{Report: reportInWords(reports[i]), Architecture: tuning.DetectArchitecture(&reports[i])}
		fmt.Fprintf(&foot, "\nTiers of device %d, best first:\n", reports[i].Index)
		r.Tiers = a.tiers(&reports[i])
		for _, t := range r.Tiers {
			switch {
			case !t.OK:
				fmt.Fprintf(&foot, "  %s: no, %s\n", t.Name, t.Why)
			case t.Why != "":
				fmt.Fprintf(&foot, "  %s: %s\n", t.Name, t.Why)
			default:
				fmt.Fprintf(&foot, "  %s: yes\n", t.Name)
			}
		}
		doc.Records = append(doc.Records, r)
	}
	doc.Foot = foot.String()
	a.addLayers(&doc)
	return doc.Write(a.stdout, a.format)
}
