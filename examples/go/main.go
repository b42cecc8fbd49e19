// Command go shows anchorvk in a Go program: it opens a device, plans, runs
// AnchorAttention on tensors in host memory, and holds the result against the
// oracle.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"os/signal"

	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/vk"
)

func main() {
	log.SetFlags(0)
	// Ctrl-C ends a long run after the slice that the device works on.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	options, err := vk.OptionsFromEnv() // ANCHORVK_DEVICE and others
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
	defer engine.Close() //nolint:errcheck // nothing is left to do about it

	problem, in := sample()
	plan, err := engine.Plan(problem, attention.PlanOptions{NoFallback: true})
	if err != nil {
		return err
	}
	fmt.Printf("%s, tier %s, %d bytes of device memory\n", device.Report().Name, plan.Tier, plan.Memory.Total)

	s := problem.Shape
	out := attention.Outputs{
		O:   attention.HostBHSD(make([]float16.Float16, s.Heads*s.QLen*s.HeadDim), 1, s.Heads, s.QLen, s.HeadDim),
		LSE: make([]float32, s.Heads*s.QLen),
	}
	stats, err := engine.Run(ctx, plan, in, out)
	if err != nil {
		return err
	}
	worst, err := largestError(problem, in, out.O)
	if err != nil {
		return err
	}
	fmt.Printf("largest error %.6f, computed %.3f of the causal pairs\n", worst, stats.ComputedRatio)
	fmt.Printf("digest %016x\n", digest(out))
	if worst > 2e-3 {
		return fmt.Errorf("the result is off by %g", worst)
	}
	return nil
}

// largestError compares every row with the oracle.
func largestError(problem attention.Problem, in attention.Inputs, o attention.Tensor) (float64, error) {
	oracle, err := oracle.New(problem.Shape, problem.Params, in.Q, in.K, in.V)
	if err != nil {
		return 0, err
	}
	worst, want := 0.0, make([]float64, problem.Shape.HeadDim)
	for h := range problem.Shape.Heads {
		var kept []bool // of the row's group
		for row := range problem.Shape.QLen {
			if row%problem.Params.Group() == 0 {
				kept, _ = oracle.Stripes(0, h, oracle.GroupOf(row))
			}
			oracle.AnchorRow(0, h, row, kept, want)
			for d, x := range o.At(0, h, row) {
				worst = max(worst, math.Abs(float64(x.Float32())-want[d]))
			}
		}
	}
	return worst, nil
}
