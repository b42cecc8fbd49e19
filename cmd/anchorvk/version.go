package main

import (
	"errors"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/vk"
)

// driverRecord is one device and the driver that runs it.
type driverRecord struct {
	Device string `json:"device"`
	Driver string `json:"driver"`
	Info   string `json:"info"`
	API    string `json:"api"`
}

// moduleRecord is one committed SPIR-V module.
type moduleRecord struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

type versionRecord struct {
	Module  string         `json:"module"`
	Version string         `json:"version"`
	Go      string         `json:"go"`
	System  string         `json:"system"`
	Loader  string         `json:"loader"` // Vulkan version of the loader, "" without one
	Drivers []driverRecord `json:"drivers"`
	SPIRV   []moduleRecord `json:"spirv"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of module, Go, loader and drivers, and the SPIR-V digests",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

// moduleVersion is the version that the program was built as.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (a *app) printVersion() error {
	r := versionRecord{
		Module: "github.com/anchorvk/anchorvk", Version: moduleVersion(),
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Drivers: []driverRecord{},
	}
	var err error
	if r.SPIRV, err = a.backend.modules(); err != nil {
		return err
	}
	// A machine without a device has a version too.
	o, err := a.options()
	if err != nil {
		return err
	}
	r.Loader = a.backend.loader()
	devices, err := a.backend.list(o)
	var none *vk.NoDeviceError
	switch {
	case errors.As(err, &none):
		a.log.Warn("no Vulkan device", "why", none.Why)
	case err != nil:
		return err
	}
	for _, d := range devices {
		r.Drivers = append(r.Drivers, driverRecord{d.Name, d.Driver, d.DriverInfo, d.API})
	}
	if a.format == report.Markdown {
		return versionTable(r).Write(a.stdout, a.format)
	}
	return report.Document{Records: []any{r}}.Write(a.stdout, a.format)
}

// versionTable lays the record out as one line for each thing with a version.
func versionTable(r versionRecord) report.Document {
	type line struct {
		What    string `json:"what"`
		Version string `json:"version"`
	}
	doc := report.Document{Key: "versions", Columns: []report.Column{{Head: "what", Key: "what"}, {Head: "version", Key: "version"}}}
	add := func(what, version string) { doc.Records = append(doc.Records, line{what, version}) }
	add("anchorvk", r.Version)
	add("Go", r.Go+" "+r.System)
	if r.Loader == "" {
		r.Loader = "none"
	}
	add("Vulkan loader", r.Loader)
	for _, d := range r.Drivers {
		add(d.Device, d.Driver+", "+d.Info+", Vulkan "+d.API)
	}
	for _, m := range r.SPIRV {
		add("SPIR-V "+m.Name, "sha256:"+m.SHA256[:16])
	}
	return doc
}
