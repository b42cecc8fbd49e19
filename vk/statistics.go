package vk

import "math"

// Statistics returns what the compiler says of the pipeline; empty unless it
// was made with PipelineConfig.Statistics on a device with PipelineExecutableInfo.
func (p *Pipeline) Statistics() ([]Statistic, error) {
	if ok, err := p.examine(p.config.Statistics); !ok {
		return nil, err
	}
	defer p.examined()
	figures, granted := p.device.driver.Statistics(p.handle)
	list := []Statistic{{"Subgroup Size", float64(granted)}}
	for _, s := range figures {
		value := float64(s.Bits) // format u64 and bool
		switch s.Format {
		case 1:
			value = float64(int64(s.Bits))
		case 3:
			value = math.Float64frombits(s.Bits)
		}
		list = append(list, Statistic{s.Name, value})
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
	for i := 0; ; i++ {
		name, text, ok := p.device.driver.Listing(p.handle, i)
		if !ok {
			return list, nil
		}
		list = append(list, Listing{name, text})
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
