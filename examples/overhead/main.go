// Command overhead is overhead.c in Go: what a call costs, in microseconds.
package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

const (
	warmup = 200
	runs   = 2000
)

func main() {
	if err := measure(); err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	options, err := vk.OptionsFromEnv()
	if err != nil {
		return err
	}
	device, err := vk.Open(options)
	if err != nil {
		return err
	}
	defer device.Close() //nolint:errcheck // nothing is left to do about it
	engine, err := attention.NewEngine(device, attention.Options{})
	if err != nil {
		return err
	}
	shape := attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 16, KVLen: 16, HeadDim: 8}
	plan, err := engine.Plan(attention.Problem{Shape: shape, Mode: attention.ModeDense}, attention.PlanOptions{})
	if err != nil {
		return err
	}
	var tensors [4]attention.Tensor
	for i := range tensors {
		buffer, err := device.NewBuffer("tensor", 16*8*2, vk.DeviceLocal)
		if err != nil {
			return err
		}
		tensors[i] = attention.DeviceBHSD(buffer, 0, 1, 1, 16, 8)
	}
	in, out := attention.Inputs{Q: tensors[0], K: tensors[1], V: tensors[2]}, attention.Outputs{O: tensors[3]}
	var wall, outside []float64
	for i := range warmup + runs {
		start := time.Now()
		stats, err := engine.Run(context.Background(), plan, in, out)
		took := float64(time.Since(start)) / 1e3
		if err != nil {
			return err
		}
		if i >= warmup {
			wall, outside = append(wall, took), append(outside, took-1e3*stats.HostMS)
		}
	}
	slices.Sort(wall)
	slices.Sort(outside)
	fmt.Printf("wall %.2f outside %.2f\n", wall[runs/2], outside[runs/2])
	return nil
}
