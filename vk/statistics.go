//go:build cgo && (linux || windows || darwin || freebsd) && (amd64 || arm64 || riscv64 || loong64)

package vk

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"math"
	"unsafe"
)

// Statistics returns what the compiler says of the pipeline; empty unless it
// was made with PipelineConfig.Statistics on a device with PipelineExecutableInfo.
func (p *Pipeline) Statistics() ([]Statistic, error) {
	if ok, err := p.examine(p.config.Statistics); !ok {
		return nil, err
	}
	defer p.examined()
	raw := make([]C.vks_statistic, 64)
	var granted C.uint32_t
	n := C.vks_pipeline_statistics(p.device.shim, bits(p.handle), &raw[0], C.int(len(raw)), &granted)
	list := []Statistic{{"Subgroup Size", float64(granted)}}
	for i := range raw[:n] {
		s := &raw[i]
		value := float64(s.bits) // format u64 and bool
		switch s.format {
		case 1:
			value = float64(int64(s.bits))
		case 3:
			value = math.Float64frombits(uint64(s.bits))
		}
		list = append(list, Statistic{C.GoString(&s.name[0]), value})
	}
	return list, nil
}

// Listings returns the compiler's texts, from source to machine code; none
// unless the pipeline was made with PipelineConfig.Listings on a device with
// PipelineExecutableInfo.
func (p *Pipeline) Listings() ([]Listing, error) {
	if ok, err := p.examine(p.config.Listings); !ok {
		return nil, err
	}
	defer p.examined()
	var list []Listing
	for i := C.uint32_t(0); ; i++ {
		var name [256]C.char
		var size C.uint64_t
		text := C.vks_pipeline_listing(p.device.shim, bits(p.handle), i, &name[0], &size)
		if text == nil {
			return list, nil
		}
		list = append(list, Listing{C.GoString(&name[0]), goText(unsafe.Slice((*byte)(unsafe.Pointer(text)), size))})
		C.free(unsafe.Pointer(text))
	}
}

// examine holds the pipeline until examined is called, when there is something
// to ask the driver.
func (p *Pipeline) examine(captured bool) (bool, error) {
	d := p.device
	if err := d.lifetime.enter(); err != nil {
		return false, err
	}
	if !p.pins.pin() {
		d.lifetime.leave()
		return false, ErrClosed
	}
	if !captured || !d.physical.report.Features.PipelineExecutableInfo {
		p.examined()
		return false, nil
	}
	return true, nil
}

func (p *Pipeline) examined() {
	if p.pins.unpin() {
		p.device.lifetime.release(p)
	}
	p.device.lifetime.leave()
}
