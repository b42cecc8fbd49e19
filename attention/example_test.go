package attention_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

// Prefills 600 positions of two query heads that share a KV head, attending
// only sink and window (theta -Inf), and prints what was left out.
func Example() {
	options, err := vk.OptionsFromEnv() // ANCHORVK_DEVICE and others
	if err != nil {
		log.Fatal(err)
	}
	device, err := vk.Open(options)
	if err != nil {
		log.Fatal(err)
	}
	engine, err := attention.NewEngine(device, attention.Options{})
	if err != nil {
		log.Fatal(err)
	}

	problem := attention.Problem{
		Shape: attention.Shape{Batch: 1, Heads: 2, KVHeads: 1, QLen: 600, KVLen: 600, HeadDim: 32},
		Params: attention.Params{
			Theta: math.Inf(-1), // use 12 to keep the keys that come near the anchor
			Step:  4, Block: 16, SinkBlocks: 1, WindowBlocks: 1,
		},
	}
	plan, err := engine.Plan(problem, attention.PlanOptions{})
	if err != nil {
		log.Fatal(err)
	}
	in := attention.Inputs{
		Q: attention.HostBHSD(make([]float16.Float16, 2*600*32), 1, 2, 600, 32),
		K: attention.HostBHSD(make([]float16.Float16, 600*32), 1, 1, 600, 32),
		V: attention.HostBHSD(make([]float16.Float16, 600*32), 1, 1, 600, 32),
	}
	for i := range in.V.Host { // queries and keys are zero, so every row is the mean of the values it attends
		in.V.Host[i] = float16.Fromfloat32(0.5)
	}
	out := attention.Outputs{
		O:   attention.HostBHSD(make([]float16.Float16, 2*600*32), 1, 2, 600, 32),
		LSE: make([]float32, 2*600),
	}
	stats, err := engine.Run(context.Background(), plan, in, out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("runs", plan.Mode)
	fmt.Printf("computed %.3f of the causal pairs\n", stats.ComputedRatio)
	fmt.Printf("last row %.2f, over exp(%.3f) keys\n", out.O.At(0, 1, 599)[0].Float32(), out.LSE[2*600-1])
	if err := engine.Close(); err != nil {
		log.Fatal(err)
	}
	if err := device.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// runs anchor
	// computed 0.201 of the causal pairs
	// last row 0.50, over exp(4.025) keys
}

// A plan is made without a device: here for one that is only described.
func ExampleNewPlan() {
	report := &vk.Report{Name: "a GPU", Type: "discrete", Features: vk.Features{Storage16: true}}
	report.Limits.PushConstants = 128
	report.Limits.MaxInvocations = 1024
	report.Limits.MaxGroupSize = [3]uint32{1024, 1024, 64}
	report.Limits.MaxStorageBufferRange = 1 << 30
	for _, n := range []int{1024, 131072} {
		plan, err := attention.NewPlan(report, attention.Problem{
			Shape:  attention.Shape{Batch: 1, Heads: 32, KVHeads: 8, QLen: n, KVLen: n, HeadDim: 128},
			Params: attention.DefaultParams(),
		}, attention.PlanOptions{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d positions: %v, %d MiB of scratch memory; %q\n", n, plan.Mode, plan.ScratchBytes>>20, plan.Fallback)
	}
	// Output:
	// 1024 positions: dense, 0 MiB of scratch memory; "sink and window cover every key at this length, so that anchor attention is dense attention"
	// 131072 positions: anchor, 58 MiB of scratch memory; ""
}
