package attention

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/anchorvk/anchorvk/vk"
)

// Options steer an engine.
type Options struct {
	// Log gets debug records; nil discards them.
	Log *slog.Logger
	// PoisonScratch fills scratch memory and the log-sum-exp with NaN before
	// every run, so that tests see a kernel that reads what no kernel wrote, or
	// leaves a row out.
	PoisonScratch bool
}

// Inputs are the tensors of a call: Q [batch, heads, q_len, head_dim], K and V
// [batch, kv_heads, kv_len, head_dim], each in any layout, on the host or in
// buffers of the engine's device. They may share memory, with each other and
// within themselves: K and V may be one tensor, and a stride of 0 repeats a row,
// a head or a batch entry.
type Inputs struct{ Q, K, V Tensor }

// Outputs are where a call writes. They share no element with the inputs nor
// with each other, in host memory as on the device, which is checked; of
// borrowed buffers as far as [vk.Buffer.Shares] can tell. O alone may lie over Q
// exactly: at the same place, with the same strides. Lanes of one buffer, such
// as those of Q, K, V and O side by side in each row, share no element.
type Outputs struct {
	// O has the shape of Q, in any layout in which rows are apart, on the host
	// or on the device.
	O Tensor
	// LSE, where wanted, gets the log-sum-exp of every row (natural log):
	// [batch, heads, q_len].
	LSE []float32
	// Stripes, where wanted, gets 1 for every key kept as a stripe, 0 for
	// others: [batch, heads, groups, kv_len], groups counted from position 0.
	// A dense run, also as a fallback, keeps no stripes.
	Stripes []byte
	// LSEBuffer, where set, gets the log-sum-exps on the device instead of LSE:
	// fp32 [batch, heads, q_len], contiguous, from byte LSEOffset on, a
	// multiple of 4.
	LSEBuffer *vk.Buffer
	LSEOffset uint64
}

// Engine runs plans on one device. It owns pipelines, made on first use, and
// scratch memory, which grows to the largest plan. It may be used from several
// goroutines: calls of Run take turns, jobs and recordings have scratch memory
// of their own.
type Engine struct {
	device   *vk.Device
	options  Options
	log      *slog.Logger
	turn     chan struct{} // holds one token while the engine is free
	recorder *vk.Recorder
	buffers  engineBuffers
	own      run // the one whose turn it is, kept here so that calls allocate nothing
	rate     pace
	rest     rest
	jobs     workspaces

	warm      sync.Map // warmth of what Warmup has run
	pipelines pipelines
}

// NewEngine returns an engine on a device, which stays the caller's.
func NewEngine(device *vk.Device, options Options) (*Engine, error) {
	recorder, err := device.NewRecorder("attention")
	if err != nil {
		return nil, fmt.Errorf("attention: make an engine: %w", err)
	}
	e := &Engine{device: device, options: options, log: options.Log, turn: make(chan struct{}, 1), recorder: recorder}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.rate.begin(device.Report())
	e.jobs.init()
	e.buffers.device = device
	e.pipelines.init()
	e.turn <- struct{}{}
	return e, nil
}

// Close frees what the engine owns, after the running calls and jobs have
// ended; recordings keep what they need. It may be called more than once, and
// after the device's Close.
func (e *Engine) Close() error {
	<-e.turn
	defer func() { e.turn <- struct{}{} }()
	if !e.jobs.close() {
		return nil
	}
	e.buffers.close()
	e.pipelines.close()
	return e.recorder.Close()
}

// Plan is NewPlan for the engine's device, without the tiers that its driver
// could not build before. It never waits for a kernel that is being compiled.
func (e *Engine) Plan(problem Problem, options PlanOptions) (*Plan, error) {
	options.refused = e.refusals(problem.Shape.HeadDim)
	if options.MemoryBudget == 0 {
		_, options.MemoryBudget = e.device.MemoryUsage()
	}
	return NewPlan(e.device.Report(), problem, options)
}

// Run computes a plan once: it is [Engine.Bind] and [Call.Run] with no options,
// and allocates nothing once the engine has run such a plan, but for
// [Outputs.Stripes] and an O on the host whose rows lie apart.
func (e *Engine) Run(ctx context.Context, p *Plan, in Inputs, out Outputs) (Stats, error) {
	if err := e.check(p, in, out); err != nil {
		return Stats{}, err
	}
	return e.run(ctx, p, in, out, RunOptions{DutyCycle: 1})
}

// run waits for its turn and computes a plan, whose arguments have been checked.
func (e *Engine) run(ctx context.Context, p *Plan, in Inputs, out Outputs, o RunOptions) (Stats, error) {
	if err := ctx.Err(); err != nil {
		return Stats{}, err
	}
	p, err := e.buildable(p, in) // before its turn, so that no other call waits for the compiler
	if err != nil {
		return Stats{}, err
	}
	select {
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	case <-e.turn:
	}
	defer func() { e.turn <- struct{}{} }()
	if e.jobs.isClosed() {
		return Stats{}, vk.ErrClosed
	}
	return e.own.compute(ctx, e, p, in, out, o)
}
