package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/vk"
)

// backend is all that the command needs of Vulkan. The one product
// implementation is vulkan; tests of the output's form have a fake that needs
// no device.
type backend interface {
	list(vk.Options) ([]vk.Report, error)
	open(vk.Options, attention.Options) (session, error)
	// tiers lists the kernel tiers, best first, and why a device does not pass.
	tiers(*vk.Report) []tierRecord
	// loader is the Vulkan version of the loader, "" without one.
	loader() string
	// layers lists the Vulkan layers of the process.
	layers() []vk.Layer
	// modules lists the embedded SPIR-V.
	modules() ([]moduleRecord, error)
}

// session is an open device with its engine.
type session interface {
	report() *vk.Report
	plan(attention.Problem, attention.PlanOptions) (*attention.Plan, error)
	// place makes device buffers for the inputs and the output, and only then
	// loads the host tensors and copies them there: what does not fit is known
	// before inputs are generated. The returned function frees the buffers.
	place(ctx context.Context, shape attention.Shape, load func() (attention.Inputs, error)) (attention.Inputs, attention.Outputs, func(), error)
	run(context.Context, *attention.Plan, attention.Inputs, attention.Outputs, attention.RunOptions) (attention.Stats, error)
	close() error
}

// patience is how long a submission may go without progress. Software drivers
// compile a kernel when it is first dispatched, which takes them up to a
// minute on a busy machine; a GPU that hangs is reset by its driver long before.
const patience = 5 * time.Minute

// options returns the device options of the environment.
func (a *app) options() (vk.Options, error) {
	o, err := vk.OptionsFromEnv()
	if err != nil {
		return o, usage("%v", err)
	}
	o.Log = a.log
	o.Timeout = patience
	return o, nil
}

// openDevice opens the device that the environment asks for, and returns the
// plan options of the environment beside it.
func (a *app) openDevice(engine attention.Options, m manners) (session, attention.PlanOptions, error) {
	plan, err := planOptions()
	if err != nil {
		return nil, plan, err
	}
	o, err := a.options()
	if err != nil {
		return nil, plan, err
	}
	o.Priority, o.MemoryBudget, o.CacheDir = m.priority, m.budget, a.cacheDir()
	engine.Log = a.log
	s, err := a.backend.open(o, engine)
	if err != nil {
		return nil, plan, err
	}
	r := s.report()
	plan.Rules = a.storedTuning(r)
	a.log.Info("device", "name", r.Name, "driver", r.Driver, "api", r.API, "type", r.Type)
	return s, plan, nil
}

// closeSession closes a device whose results are in, or that has failed: what
// goes wrong then changes neither.
func (a *app) closeSession(s session) {
	if err := s.close(); err != nil {
		a.log.Info("closing the device", "error", err)
	}
}

// planOptions returns the plan options of the environment.
func planOptions() (attention.PlanOptions, error) {
	o, err := attention.PlanOptionsFromEnv()
	var argument *attention.ArgumentError
	if errors.As(err, &argument) {
		return o, usage("%s %s; %s", argument.Field, argument.Problem, argument.Try)
	}
	return o, err
}

// plans makes the plan of every mode.
func plans(s session, shape attention.Shape, modes []attention.Mode, p attention.Params, o attention.PlanOptions) ([]*attention.Plan, error) {
	all := make([]*attention.Plan, len(modes))
	for i, mode := range modes {
		var err error
		if all[i], err = s.plan(attention.Problem{Shape: shape, Mode: mode, Params: p}, o); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// planRecord is a plan with its parameters, which may hold infinities.
type planRecord struct {
	*attention.Plan
	Params paramsRecord `json:"params"`
}

// explain prints plans. A plan is lines of text, not a table, so that
// Markdown has it as it is.
func (a *app) explain(all ...*attention.Plan) error {
	doc := report.Document{Key: "plans"}
	var text bytes.Buffer
	for i, p := range all {
		p = planInWords(p)
		doc.Records = append(doc.Records, planRecord{p, newParamsRecord(p.Params, p.Shape.HeadDim)})
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintln(&text, strings.TrimRight(p.String(), "\n"))
	}
	if a.format == report.Markdown {
		_, err := a.stdout.Write(text.Bytes())
		return err
	}
	return doc.Write(a.stdout, a.format)
}
