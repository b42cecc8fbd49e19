package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/oracle"
	"github.com/anchorvk/anchorvk/vk"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// fake stands for a device in tests of the output's form: it computes with
// the oracle, and its times are made up.
type fake struct {
	reports  []vk.Report
	err      error                    // of list, open, plan and run
	spoil    func(*attention.Outputs) // after a run
	warnings []string                 // of run
	runs     int
	opened   vk.Options           // of the last open
	ranWith  attention.RunOptions // of the last run
	plans    map[*attention.Plan]attention.Problem
}

func newFake() *fake {
	return &fake{
		reports: []vk.Report{
			{
				Index: 0, Name: "Paper GPU", Driver: "paper", DriverInfo: "Paper 1.0", API: "1.3.250", Type: "discrete", Default: true,
				Limits:   vk.Limits{MaxStorageBufferRange: 1<<32 - 1, MaxAllocation: 4 << 30, SharedMemory: 48 << 10},
				Subgroup: vk.Subgroup{Size: 32, Min: 32, Max: 32, Basic: true},
			},
			{
				Index: 1, Name: "Slow CPU", Driver: "software", DriverInfo: "Software 2", API: "1.1.0", Type: "cpu",
				Limits: vk.Limits{MaxStorageBufferRange: 128 << 20, MaxAllocation: 2 << 30, SharedMemory: 32 << 10},
			},
		},
		plans: map[*attention.Plan]attention.Problem{},
	}
}

func (f *fake) list(vk.Options) ([]vk.Report, error) { return f.reports, f.err }
func (f *fake) loader() string                       { return "1.3.239" }
func (f *fake) layers() []vk.Layer {
	return []vk.Layer{{Name: "VK_LAYER_PAPER_capture", Why: "PAPER_CAPTURE", File: "/paper/capture.json"}}
}

func (f *fake) modules() ([]moduleRecord, error) {
	return []moduleRecord{{"dense", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}}, nil
}

func (f *fake) tiers(r *vk.Report) []tierRecord {
	return []tierRecord{{"fast", false, "cooperative matrices are not offered by the driver"}, {"plain", true, ""}}
}

func (f *fake) open(o vk.Options, _ attention.Options) (session, error) {
	f.opened = o
	if f.err != nil {
		return nil, f.err
	}
	return f, nil
}

func (f *fake) report() *vk.Report { return &f.reports[0] }
func (f *fake) close() error       { return nil }

func (f *fake) plan(p attention.Problem, _ attention.PlanOptions) (*attention.Plan, error) {
	plan := &attention.Plan{Params: p.Params}
	f.plans[plan] = p
	return plan, nil
}

func (f *fake) place(_ context.Context, s attention.Shape, load func() (attention.Inputs, error)) (attention.Inputs, attention.Outputs, func(), error) {
	in, err := load()
	if err != nil {
		return in, attention.Outputs{}, nil, err
	}
	o := attention.HostBHSD(make([]float16.Float16, s.Batch*s.Heads*s.QLen*s.HeadDim), s.Batch, s.Heads, s.QLen, s.HeadDim)
	return in, attention.Outputs{O: o}, func() {}, nil
}

func (f *fake) run(ctx context.Context, plan *attention.Plan, in attention.Inputs, out attention.Outputs, options attention.RunOptions) (attention.Stats, error) {
	f.ranWith = options
	p := f.plans[plan]
	o, err := oracle.New(p.Shape, p.Params, in.Q, in.K, in.V)
	if err != nil {
		return attention.Stats{}, err
	}
	if err := ctx.Err(); err != nil {
		return attention.Stats{}, err
	}
	result := o.Forward(p.Mode)
	s := p.Shape
	for row := range s.Batch * s.Heads * s.QLen {
		to := out.O.At(row/(s.Heads*s.QLen), row/s.QLen%s.Heads, row%s.QLen)
		for d := range to {
			to[d] = float16.Fromfloat32(float32(result.O[row*s.HeadDim+d]))
		}
	}
	for i := range out.LSE {
		out.LSE[i] = float32(result.LSE[i])
	}
	for i := range out.Stripes {
		out.Stripes[i] = 0
		if result.Stripes[i] {
			out.Stripes[i] = 1
		}
	}
	if f.spoil != nil {
		f.spoil(&out)
	}
	f.runs++
	stats := attention.Stats{Warnings: f.warnings, Mode: p.Mode, Tier: "plain", HostMS: 2.5, ComputedRatio: 1, ScratchBytes: 1 << 20, Slices: 1}
	stats.TimeMS.Total = float64(1 + f.runs) // grows, so that the median is no end
	stats.TimeMS.Attention = stats.TimeMS.Total
	if p.Mode == attention.ModeAnchor {
		stats.ComputedRatio, stats.Sparsity, stats.StripeRatio = 0.25, 0.75, 0.05
		stats.TimeMS.Anchor, stats.TimeMS.Identify = 0.125, 0.25
	}
	return stats, f.err
}

// invoke runs the program with a backend.
func invoke(b backend, env []string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	a := &app{stdout: &out, stderr: &err, env: env, backend: b, freeMemory: freeMemory}
	code = a.run(context.Background(), args)
	return code, out.String(), err.String()
}

// goldenDir is absolute, because some tests change the directory.
var goldenDir = func() string {
	dir, err := filepath.Abs(filepath.Join("testdata", "golden"))
	if err != nil {
		panic(err)
	}
	return dir
}()

// golden compares text with a file of testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(goldenDir, name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test ./cmd/anchorvk -update")
	require.Equal(t, string(want), got)
}
