//go:build cgo

package vk_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/anchorvk/anchorvk/vk"
)

// Runs a kernel that computes 3·x + 1 on four numbers.
func Example() {
	if err := triple([]byte{10, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 40, 0, 0, 0}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 31
	// 61
	// 91
	// 121
}

func triple(numbers []byte) (err error) {
	options, err := vk.OptionsFromEnv()
	if err != nil {
		return err
	}
	device, err := vk.Open(options)
	if err != nil {
		return err
	}
	// Closes all that follows too.
	defer func() { err = errors.Join(err, device.Close()) }()

	code, err := os.ReadFile("testdata/affine.spv")
	if err != nil {
		return err
	}
	kernel, err := device.NewPipeline(vk.PipelineConfig{
		Name: "affine", Code: code, Bindings: 2, PushBytes: 8, Constants: []uint32{3},
	})
	if err != nil {
		return err
	}
	in, err := device.NewBuffer("in", 16, vk.DeviceLocal)
	if err != nil {
		return err
	}
	out, err := device.NewBuffer("out", 16, vk.DeviceLocal)
	if err != nil {
		return err
	}
	work, err := device.NewRecorder("example")
	if err != nil {
		return err
	}

	ctx := context.Background()
	if err := device.Upload(ctx, in, 0, numbers); err != nil {
		return err
	}
	constants := []byte{4, 0, 0, 0, 1, 0, 0, 0} // how many numbers, and what to add
	work.Dispatch(kernel, []vk.Binding{{Buffer: in}, {Buffer: out}}, constants, 1, 1, 1)
	if err := work.Run(ctx); err != nil {
		return err
	}
	if err := device.Download(ctx, numbers, out, 0); err != nil {
		return err
	}
	for i := 0; i < len(numbers); i += 4 {
		fmt.Println(binary.LittleEndian.Uint32(numbers[i:]))
	}
	return nil
}
