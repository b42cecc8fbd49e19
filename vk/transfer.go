package vk

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/anchorvk/anchorvk/vk/internal/driver"
)

// transfer holds the staging rings, made when first needed.
type transfer struct {
	up, down ring
	held     atomic.Uint64 // bytes of both
}

// StagingUsage returns the bytes of device memory that Upload and Download
// hold for copies through a staging buffer: up to StagingBytes once such
// copies were made, a part of MemoryUsage.
func (d *Device) StagingUsage() uint64 { return d.transfer.held.Load() }

// ring is a staging buffer of two halves: while the device copies one, the host fills or empties the other.
type ring struct {
	mu        sync.Mutex
	buffer    *Buffer
	recorders [2]*Recorder
}

// Upload copies src to dst at offset off. Where the host sees dst's memory it
// writes there directly, and must not do so while submitted work uses that
// part. Otherwise the bytes go through a bounded staging buffer, and ctx can
// stop it between pieces.
func (d *Device) Upload(ctx context.Context, dst *Buffer, off uint64, src []byte) error {
	return d.move(ctx, "upload to", dst, off, src, func() error {
		if dst.mapped != nil {
			copy(dst.mapped[off:], src)
			return dst.flush(off, uint64(len(src)))
		}
		return d.transfer.up.upload(ctx, d, dst, off, src)
	})
}

// Download copies from src at offset off to dst, once all earlier Runs have
// ended. Memory that the host sees but reads slowly (not cached) goes through
// the staging buffer too.
func (d *Device) Download(ctx context.Context, dst []byte, src *Buffer, off uint64) error {
	return d.move(ctx, "download from", src, off, dst, func() error {
		if src.mapped != nil && (src.memory.block.kind.flags&driver.MemoryHostCached != 0 || len(dst) <= 64<<10) {
			if err := src.invalidate(off, uint64(len(dst))); err != nil {
				return err
			}
			copy(dst, src.mapped[off:])
			return nil
		}
		return d.transfer.down.download(ctx, d, dst, src, off)
	})
}

// move does what both directions share.
func (d *Device) move(ctx context.Context, what string, b *Buffer, off uint64, data []byte, do func() error) error {
	if b.device != d {
		return b.check(what+" a buffer of another device:", b.size+1, 0)
	}
	if err := b.check(what, off, uint64(len(data))); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.lifetime.enter(); err != nil {
		return err
	}
	defer d.lifetime.leave()
	if !b.pins.pin() {
		return ErrClosed
	}
	defer func() {
		if b.pins.unpin() {
			d.lifetime.release(b)
		}
	}()
	if len(data) == 0 {
		return nil
	}
	return do()
}

// open makes the ring's buffer and recorders. The lock must be held.
func (g *ring) open(d *Device, name string, kind MemoryKind) (err error) {
	if g.buffer == nil {
		if g.buffer, err = d.NewBuffer(name, 2*stagingSize, kind); err != nil {
			return err
		}
		d.transfer.held.Add(2 * stagingSize)
	}
	for i := range g.recorders {
		if g.recorders[i] == nil {
			if g.recorders[i], err = d.NewRecorder(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// piece is the n-th part of a transfer of size bytes.
func piece(n int, size uint64) (start, length, staging uint64) {
	start = uint64(n) * stagingSize
	return start, min(stagingSize, size-start), uint64(n%2) * stagingSize
}

func (g *ring) upload(ctx context.Context, d *Device, dst *Buffer, off uint64, src []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.open(d, "upload staging", Upload); err != nil {
		return err
	}
	return g.pump(ctx, uint64(len(src)),
		func(n int, r *Recorder) error {
			start, length, staging := piece(n, uint64(len(src)))
			copy(g.buffer.mapped[staging:staging+length], src[start:])
			if err := g.buffer.flush(staging, length); err != nil {
				return err
			}
			r.Copy(dst, off+start, g.buffer, staging, length)
			return nil
		},
		func(int) error { return nil })
}

func (g *ring) download(ctx context.Context, d *Device, dst []byte, src *Buffer, off uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.open(d, "download staging", Readback); err != nil {
		return err
	}
	return g.pump(ctx, uint64(len(dst)),
		func(n int, r *Recorder) error {
			start, length, staging := piece(n, uint64(len(dst)))
			r.Copy(g.buffer, staging, src, off+start, length)
			return nil
		},
		func(n int) error {
			start, length, staging := piece(n, uint64(len(dst)))
			if err := g.buffer.invalidate(staging, length); err != nil {
				return err
			}
			copy(dst[start:start+length], g.buffer.mapped[staging:])
			return nil
		})
}

// pump runs the pieces of a transfer, two in flight: before starts each, after
// ends it. It returns only when no piece is in flight any more.
func (g *ring) pump(ctx context.Context, size uint64, before func(int, *Recorder) error, after func(int) error) error {
	pieces := int((size + stagingSize - 1) / stagingSize)
	var failed error
	flying := [2]int{-1, -1} // the piece that each recorder has in flight
	land := func(slot int) {
		n := flying[slot]
		if n < 0 {
			return
		}
		flying[slot] = -1
		err := g.recorders[slot].Wait(ctx)
		if err == nil && failed == nil {
			err = after(n)
		}
		if failed == nil {
			failed = err
		}
	}
	for n := 0; n < pieces && failed == nil && ctx.Err() == nil; n++ {
		slot := n % 2
		land(slot)
		if failed != nil {
			break
		}
		r := g.recorders[slot]
		r.Reset()
		if failed = before(n, r); failed != nil {
			break
		}
		if failed = r.err; failed != nil {
			break
		}
		if failed = r.Submit(Sync{}); failed == nil {
			flying[slot] = n
		}
	}
	land(0)
	land(1)
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}
