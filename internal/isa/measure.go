package isa

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// HeadDims are the head dimensions that are looked at.
var HeadDims = []int{64, 80, 96, 128, 256}

// Table is what one device's compiler says.
type Table struct {
	Driver string // name and version
	Device string // name; files do not hold it
	Rows   []Row
	// Refused says, for each tier and head dimension that the device passes
	// for others and not for this one, why.
	Refused []string
}

// Options limit what Measure looks at.
type Options struct {
	// Planned leaves out subgroup sizes that a plan does not take by itself.
	Planned bool
	// Want says whether to build a pipeline; nil means all.
	Want func(Key) bool
	// Listing, when set, gets the driver's texts of every pipeline built.
	Listing func(Key, []vk.Listing)
}

// Measure builds every pipeline that plans can pick on the device, once as
// planned, and where the device allows several subgroup sizes with each of them.
// One that several tiers share is under the first of them.
func Measure(device *vk.Device, options Options) (Table, error) {
	report := device.Report()
	if !report.Features.PipelineExecutableInfo {
		return Table{}, &vk.FeatureError{Feature: "executable-info", Why: report.WhyNot("executable-info"), Try: "a driver of Mesa"}
	}
	m := measurement{device: device, options: options, done: map[string]bool{}}
	m.table.Driver, m.table.Device = report.Driver, report.Name
	if report.DriverInfo != "" {
		m.table.Driver += " " + report.DriverInfo
	}
	for _, headDim := range HeadDims {
		for _, tier := range attention.Tiers(report) {
			if !tier.OK {
				continue
			}
			if err := m.tier(report, tier.Name, headDim, PlanSize); err != nil {
				return Table{}, err
			}
			if options.Planned {
				continue
			}
			for _, size := range sizes(report) {
				forced := *report
				forced.Subgroup.Size, forced.Subgroup.Min, forced.Subgroup.Max = size, size, size
				if err := m.tier(&forced, tier.Name, headDim, strconv.Itoa(int(size))); err != nil {
					return Table{}, err
				}
			}
		}
	}
	return m.table, nil
}

// sizes are the subgroup sizes that pipelines can be forced to, where there is a choice.
func sizes(r *vk.Report) []uint32 {
	var list []uint32
	if s := r.Subgroup; s.SizeControl && s.Min < s.Max {
		for size := s.Min; size <= s.Max; size *= 2 {
			list = append(list, size)
		}
	}
	return list
}

type measurement struct {
	device  *vk.Device
	options Options
	table   Table
	done    map[string]bool
}

// tier builds the pipelines of one tier and head dimension.
func (m *measurement) tier(report *vk.Report, tier attention.Tier, headDim int, size string) error {
	list, err := attention.Pipelines(report, tier, headDim)
	if feature := (*vk.FeatureError)(nil); errors.As(err, &feature) {
		m.table.Refused = append(m.table.Refused, fmt.Sprintf("tier %s, head_dim %d, %s: %s", tier, headDim, size, feature.Why))
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range list {
		key := Key{Tier: string(tier), HeadDim: headDim, Kernel: p.Kernel, Size: size}
		if p.AllTiers {
			key.Tier = AllTiers
		}
		if size != PlanSize {
			if p.AllTiers {
				continue // never forced
			}
			n, _ := strconv.Atoi(size)
			p.Config.SubgroupSize = uint32(n)
		}
		if m.done[identity(p.Config, p.Config.SubgroupSize)] || m.options.Want != nil && !m.options.Want(key) {
			continue
		}
		row, err := m.pipeline(key, p.Config)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		m.done[identity(p.Config, p.Config.SubgroupSize)] = true
		m.done[identity(p.Config, uint32(row.Subgroup))] = true // what the driver took by itself
		m.table.Rows = append(m.table.Rows, row)
	}
	return nil
}

// identity says whether two pipelines are the same code at the same subgroup size.
func identity(c vk.PipelineConfig, size uint32) string {
	return fmt.Sprint(c.Name, c.Constants, size)
}

func (m *measurement) pipeline(key Key, config vk.PipelineConfig) (Row, error) {
	config.Statistics, config.Listings = true, true
	p, err := m.device.NewPipeline(config)
	if err != nil {
		return Row{}, err
	}
	defer func() { _ = p.Close() }()
	statistics, err := p.Statistics()
	if err != nil {
		return Row{}, err
	}
	listings, err := p.Listings()
	if err != nil {
		return Row{}, err
	}
	if m.options.Listing != nil {
		m.options.Listing(key, listings)
	}
	row := newRow(statistics)
	row.Key, row.Module, row.Shape = key, config.Name, shapeOf(config.Constants)
	return row, row.count(listings)
}

// shapeOf shows the specialization constants except the head dimension.
func shapeOf(constants []uint32) string {
	const shape, headDim = 4, 5 // how many come before and up to the head dimension
	var parts []string
	for i, c := range constants {
		if i < shape || i >= headDim {
			parts = append(parts, strconv.Itoa(int(c)))
		}
	}
	return strings.Join(parts, "/")
}
