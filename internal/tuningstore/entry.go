package tuningstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// Schema is the version of the files. Others are left alone.
const Schema = 1

// Entry is the winner of a sweep for one device, tier and head dimension.
type Entry struct {
	Schema  int                    `json:"schema"`
	Device  Device                 `json:"device"`
	Modules string                 `json:"modules"` // digest of the kernels that were measured
	Tier    attention.Tier         `json:"tier"`
	HeadDim int                    `json:"head_dim"`
	Choice  attention.TuningChoice `json:"choice"`
	Over    string                 `json:"over"` // what it was measured against
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
	API           string `json:"api"`
	Name          string `json:"name"` // software devices differ by nothing else
	Subgroup      uint32 `json:"subgroup"`
}

// DeviceOf is the identity of a device.
func DeviceOf(r *vk.Report) Device {
	return Device{r.VendorID, r.DeviceID, r.DriverID, r.Hardware.DriverVersion, r.API, r.Name, r.Subgroup.Size}
}

// fileName tells apart what is measured separately. What changes with time,
// the driver's version and the kernels, is not in it, so that a new
// measurement takes the place of a stale one.
func fileName(d Device, tier attention.Tier, headDim int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%x|%x|%d|%s|%d", d.VendorID, d.DeviceID, d.DriverID, d.Name, d.Subgroup))
	return fmt.Sprintf("%s-%s-%d.json", hex.EncodeToString(sum[:6]), tier, headDim)
}

// override makes the entry a choice for plans.
func (e *Entry) override() attention.TuningOverride {
	why := ""
	for _, k := range []struct {
		name    string
		speedup float64
	}{{attention.TuneAttend, e.Attend}, {attention.TuneIdentify, e.Identify}} {
		if k.speedup > 0 {
			if why != "" {
				why += ", "
			}
			why += fmt.Sprintf("%s %.2f times as fast", k.name, k.speedup)
		}
	}
	return attention.TuningOverride{
		Tier: e.Tier, HeadDim: e.HeadDim, Choice: e.Choice,
		From: "bench --tune", Why: fmt.Sprintf("%s as with %s on this device", why, e.Over),
	}
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
	case e.Device.DriverVersion != d.DriverVersion || e.Device.API != d.API:
		return fmt.Errorf("is stale: measured with driver version %d (Vulkan %s), this is %d (%s)", e.Device.DriverVersion, e.Device.API, d.DriverVersion, d.API)
	case e.Device != d:
		return fmt.Errorf("is of another device, %s", e.Device.Name)
	case e.Modules != modules:
		return errors.New("is stale: measured with other kernels than this program has")
	case e.HeadDim < 1 || e.Choice == (attention.TuningChoice{}) || !(e.Attend > 0 || e.Identify > 0):
		return errors.New("is damaged: it holds no choice")
	}
	return nil
}
