// Command misuse does one thing that Vulkan forbids: "sync" leaves out a barrier
// between two kernels, "core" declares fewer push constants than the kernel
// reads. tools/validate.sh runs it first: a validation layer that is silent
// about this would be silent about anything.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/anchorvk/anchorvk/vk"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "misuse:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 || args[0] != "core" && args[0] != "sync" {
		return fmt.Errorf("want one argument, core or sync, not %q", args)
	}
	code, err := os.ReadFile("vk/testdata/affine.spv")
	if err != nil {
		return fmt.Errorf("%w: run it in the folder of the repository", err)
	}
	d, err := vk.Open(vk.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	config := vk.PipelineConfig{Name: "affine", Code: code, Bindings: 2, PushBytes: 8, Constants: []uint32{1}}
	if args[0] == "core" {
		config.PushBytes = 4
	}
	p, err := d.NewPipeline(config)
	if err != nil || args[0] == "core" {
		return err
	}
	return race(d, p)
}

// race lets a kernel read what another one writes at the same time.
func race(d *vk.Device, p *vk.Pipeline) error {
	const n = 1024
	var buffers [2]*vk.Buffer
	for i := range buffers {
		b, err := d.NewBuffer("words", 4*n, vk.DeviceLocal)
		if err != nil {
			return err
		}
		buffers[i] = b
	}
	r, err := d.NewRecorder("race")
	if err != nil {
		return err
	}
	push := binary.LittleEndian.AppendUint32(nil, n)
	push = binary.LittleEndian.AppendUint32(push, 1)
	r.Dispatch(p, []vk.Binding{{Buffer: buffers[0]}, {Buffer: buffers[1]}}, push, n/64, 1, 1)
	r.Dispatch(p, []vk.Binding{{Buffer: buffers[1]}, {Buffer: buffers[0]}}, push, n/64, 1, 1)
	return r.Run(context.Background())
}
