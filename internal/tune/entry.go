package tune

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Schema is the version of the files. Others are left alone.
const Schema = 1

// Entry is the winner of a sweep for one device, tier and head dimension.
type Entry struct {
	Schema  int           `json:"schema"`
	Device  Device        `json:"device"`
	Modules string        `json:"modules"` // digest of the kernels that were measured
	Tier    tuning.Tier   `json:"tier"`
	HeadDim int           `json:"head_dim"`
	Choice  tuning.Choice `json:"choice"`
	Over    string        `json:"over"` // what it was measured against
	// Attend and Identify are how many times faster the kernels are than with
	// that, 0 where their shape is as it was.
	Attend   float64 `json:"attend_speedup"`
	Identify float64 `json:"identify_speedup"`
}

// Device is what a measurement holds for.
type Device struct {
	VendorID      uint32 `json:"vendor_id"`
	DeviceID      uint32 `json:"device_id"`
	DriverID      uint32 `json:"driver_id"`
	DriverVersion uint32 `json:"driver_version"`
	Driver        string `json:"driver"` // Mesa's software drivers give their version here alone
	API           string `json:"api"`
	Name          string `json:"name"` // software devices differ by nothing else
	Subgroup      uint32 `json:"subgroup"`
}

// DeviceOf is the identity of a device.
func DeviceOf(r *vk.Report) Device {
	return Device{r.VendorID, r.DeviceID, r.DriverID, r.Hardware.DriverVersion, r.DriverInfo, r.API, r.Name, r.Subgroup.Size}
}

// version is what changes when a driver is updated.
func (d *Device) version() string {
	return fmt.Sprintf("driver %s (version %d, Vulkan %s)", d.Driver, d.DriverVersion, d.API)
}

// fileName has what is measured separately. What changes with time,
// the driver's version and the kernels, is not in it, so that a new
// measurement takes the place of a stale one.
func fileName(d Device, tier tuning.Tier, headDim int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%x|%x|%d|%s|%d", d.VendorID, d.DeviceID, d.DriverID, d.Name, d.Subgroup))
	return fmt.Sprintf("%s-%s-%d.json", hex.EncodeToString(sum[:6]), tier, headDim)
}

// Wins says whether the entry is faster than what it was measured against.
func (e *Entry) Wins() bool { return e.Attend > 0 || e.Identify > 0 }

// SetSpeedup notes how many times faster some kernels are.
func (e *Entry) SetSpeedup(kernels string, speedup float64) {
	if kernels == tuning.Identify {
		e.Identify = speedup
	} else {
		e.Attend = speedup
	}
}

// Take copies what another entry, or nil, found for some kernels.
func (e *Entry) Take(from *Entry, kernels string) {
	switch {
	case from == nil:
	case kernels == tuning.Identify && from.Identify > 0:
		e.Choice.Identify, e.Identify = from.Choice.Identify, from.Identify
	case kernels == tuning.Attend && from.Attend > 0:
		e.Choice.Attend, e.Attend = from.Choice.Attend, from.Attend
		e.Choice.Way, e.Choice.SubgroupSize, e.Choice.Matrix = from.Choice.Way, from.Choice.SubgroupSize, from.Choice.Matrix
	}
}

// Why is the reason for the choice.
func (e *Entry) Why() string {
	why := ""
	for _, k := range []struct {
		name    string
		speedup float64
	}{{tuning.Attend, e.Attend}, {tuning.Identify, e.Identify}} {
		if k.speedup > 0 {
			if why != "" {
				why += ", "
			}
			why += fmt.Sprintf("%s %.2f times as fast", k.name, k.speedup)
		}
	}
	return fmt.Sprintf("%s as with %s on this device", why, e.Over)
}

// Rule makes the entry a rule for plans, which name from.
func (e *Entry) Rule(from string) tuning.Rule {
	return tuning.Rule{When: tuning.Only(e.Tier, e.HeadDim), Choice: e.Choice, From: from, Why: e.Why()}
}

// parse reads an entry; anything that Save would not have written is an error.
func parse(text []byte) (*Entry, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	e := new(Entry)
	if err := d.Decode(e); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("is damaged: something follows the entry")
	}
	return e, nil
}

// usable says why an entry is not for a device and these kernels, or nil.
func (e *Entry) usable(d Device, modules string) error {
	switch {
	case e.Schema != Schema:
		return fmt.Errorf("is of version %d, this program reads %d", e.Schema, Schema)
	case e.Device.version() != d.version():
		return fmt.Errorf("is stale: measured with %s, this is %s", e.Device.version(), d.version())
	case e.Device != d:
		return fmt.Errorf("is of another device, %s", e.Device.Name)
	case e.Modules != modules:
		return errors.New("is stale: measured with other kernels than this program has")
	case e.HeadDim < 1 || e.Choice == (tuning.Choice{}) || !e.Wins():
		return errors.New("is damaged: it holds no choice")
	}
	return nil
}
