package main

// #include "bridge.h"
import "C"

import (
	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
	"github.com/anchorvk/anchorvk/internal/handle"
	"github.com/anchorvk/anchorvk/vk"
)

// The kinds of objects that C holds handles of.
const (
	kindDevice handle.Kind = 1 + iota
	kindEngine
	kindPlan
	kindBuffer
	kindCall
	kindScratch
	kindProfile
)

var objects handle.Table

func init() {
	objects.Names[kindDevice] = "a device"
	objects.Names[kindEngine] = "an engine"
	objects.Names[kindPlan] = "a plan"
	objects.Names[kindBuffer] = "a buffer"
	objects.Names[kindCall] = "a call"
	objects.Names[kindScratch] = "scratch memory"
	objects.Names[kindProfile] = "a profile"
}

// buffer is a buffer and its device, whose calls it needs.
type buffer struct {
	*vk.Buffer
	device *vk.Device
}

func deviceOf(h C.avk_device) (*vk.Device, error) { return get[*vk.Device](kindDevice, uint64(h)) }

func engineOf(h C.avk_engine) (*tunedEngine, error) {
	return get[*tunedEngine](kindEngine, uint64(h))
}

func planOf(h C.avk_plan) (*attention.Plan, error) { return get[*attention.Plan](kindPlan, uint64(h)) }

func bufferOf(h C.avk_buffer) (*buffer, error) { return get[*buffer](kindBuffer, uint64(h)) }

func scratchOf(h C.avk_scratch) (*attention.Scratch, error) {
	return get[*attention.Scratch](kindScratch, uint64(h))
}

func profileOf(h C.avk_profile) (*profile.Profile, error) {
	return get[*profile.Profile](kindProfile, uint64(h))
}

func callOf(h C.avk_call) (*call, error) { return get[*call](kindCall, uint64(h)) }

func get[T any](kind handle.Kind, h uint64) (T, error) {
	var none T
	value, err := objects.Get(kind, handle.Handle(h))
	if err != nil {
		return none, err
	}
	return value.(T), nil
}

// take is get, and the handle is closed.
func take[T any](kind handle.Kind, h uint64) (T, error) {
	var none T
	value, err := objects.Take(kind, handle.Handle(h))
	if err != nil {
		return none, err
	}
	return value.(T), nil
}

// give hands an object to the caller; where no handle is left it is closed.
func give[H ~uint64](to *H, kind handle.Kind, value any, discard func() error) error {
	h, err := objects.Add(kind, value)
	if err != nil {
		_ = discard()
		return err
	}
	*to = H(h)
	return nil
}
