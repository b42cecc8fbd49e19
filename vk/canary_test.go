//go:build cgo

package vk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/internal/fault"
)

// Work that the driver drops without an error is a lost device, for work that
// is waited for, that is left to run, and for copies; also where the memory is
// not coherent.
func TestDroppedWorkIsALostDevice(t *testing.T) {
	for name, run := range map[string]func(*Device, *Recorder, *Buffer) error{
		"run": func(_ *Device, r *Recorder, _ *Buffer) error { return r.Run(background) },
		"submit": func(_ *Device, r *Recorder, _ *Buffer) error {
			if err := r.Submit(Sync{}); err != nil {
				return err
			}
			return r.Wait(background)
		},
		"upload": func(d *Device, _ *Recorder, b *Buffer) error {
			return d.Upload(background, b, 0, make([]byte, b.Size()))
		},
		"download": func(d *Device, _ *Recorder, b *Buffer) error {
			return d.Download(background, make([]byte, b.Size()), b, 0)
		},
	} {
		for _, incoherent := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := switches(func(s *fault.Switches) { s.Incoherent = incoherent })
				d := openFaulty(t, s, func(o *Options) { o.Disable = append(o.Disable, "host-visible") })
				r, b := newRecorder(t, d), newBuffer(t, d, "b", 4096, DeviceLocal)
				r.Timestamp()
				r.Fill(b, 0, 4096, 1)
				r.Timestamp()
				for range 3 { // the word of an earlier run does not count
					require.NoError(t, run(d, r, b))
				}
				s.Drop = 0
				fault.Set(s)
				var lost *DeviceLostError
				require.ErrorAs(t, run(d, r, b), &lost)
				require.Contains(t, lost.During, "last command did not run")
				require.ErrorAs(t, d.Err(), &lost, "it is latched")
				require.Nil(t, r.TimestampsMS(nil))
				require.NoError(t, d.Close())
				require.Zero(t, fault.Count().Live)
				require.Zero(t, fault.Count().Misaligned)
			})
		}
	}
}

// Recorders share pages of words, and give them back.
func TestCanaryPages(t *testing.T) {
	d := openFaulty(t, fault.Off, nil)
	b := newBuffer(t, d, "b", 4096, DeviceLocal)
	run := func(n int) (all []*Recorder) {
		for range n {
			r := newRecorder(t, d)
			r.Fill(b, 0, 4096, 1)
			require.NoError(t, r.Run(background))
			all = append(all, r)
		}
		return all
	}
	many := run(600)
	pages := len(d.canaries.pages)
	require.Greater(t, pages, 1)
	for _, r := range many {
		require.NoError(t, r.Close())
	}
	for _, page := range d.canaries.pages {
		require.True(t, page.memory.empty())
	}
	run(100)
	require.Len(t, d.canaries.pages, pages)
}
