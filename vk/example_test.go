package vk_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"

	"github.com/anchorvk/anchorvk/vk"
)

// Runs a kernel that computes 3·x + 1 on four numbers.
func Example() {
	options, err := vk.OptionsFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	device, err := vk.Open(options)
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close() // closes all that follows too

	code, err := os.ReadFile("testdata/affine.spv")
	if err != nil {
		log.Fatal(err)
	}
	kernel, err := device.NewPipeline(vk.PipelineConfig{
		Name: "affine", Code: code, Bindings: 2, PushBytes: 8, Constants: []uint32{3},
	})
	if err != nil {
		log.Fatal(err)
	}
	in, err := device.NewBuffer("in", 16, vk.DeviceLocal)
	if err != nil {
		log.Fatal(err)
	}
	out, err := device.NewBuffer("out", 16, vk.DeviceLocal)
	if err != nil {
		log.Fatal(err)
	}
	work, err := device.NewRecorder("example")
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	numbers := []byte{10, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 40, 0, 0, 0}
	if err := device.Upload(ctx, in, 0, numbers); err != nil {
		log.Fatal(err)
	}
	constants := []byte{4, 0, 0, 0, 1, 0, 0, 0} // how many numbers, and what to add
	work.Dispatch(kernel, []vk.Binding{{Buffer: in}, {Buffer: out}}, constants, 1, 1, 1)
	if err := work.Run(ctx); err != nil {
		log.Fatal(err)
	}
	if err := device.Download(ctx, numbers, out, 0); err != nil {
		log.Fatal(err)
	}
	for i := 0; i < len(numbers); i += 4 {
		fmt.Println(binary.LittleEndian.Uint32(numbers[i:]))
	}
	// Output:
	// 31
	// 61
	// 91
	// 121
}
