package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/internal/report"
	"github.com/anchorvk/anchorvk/internal/testreports"
	"github.com/anchorvk/anchorvk/internal/tune"
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// offByName is what the library says of a feature that its options switch off,
// and offInWords the same for users of the command.
const (
	offByName  = "switched off by Options.Disable"
	offInWords = "switched off by Options.Disable or ANCHORVK_DISABLE"
)

func TestMessagesNameVariables(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{
			&vk.DeviceLostError{During: "vkQueueSubmit"},
			"the Vulkan device was lost during vkQueueSubmit; try: open it again, smaller slices (ANCHORVK_SLICE_MS), or look at the kernel log for a GPU reset",
		},
		{
			fmt.Errorf("scalar a case: %w", &vk.TimeoutError{During: "prefill", Waited: time.Minute}),
			"scalar a case: the Vulkan device made no progress for 1m0s during prefill; try: smaller slices (ANCHORVK_SLICE_MS) or a larger Options.Timeout",
		},
		{
			&vk.FeatureError{Feature: "float16", Why: offByName, Try: "another tier, or none to take the best (attention.Tiers lists them)"},
			"feature float16 cannot be used: " + offInWords + "; try: another tier, or none to take the best (anchorvk devices lists them)",
		},
		{
			tuning.LeftOut{From: "PlanOptions.Tuning", Why: "keys must be powers of two"}.Err(),
			"ANCHORVK_TUNING cannot be: keys must be powers of two; use other values, or none; --explain shows the choice of the table",
		},
		{
			&attention.ArgumentError{Field: "PlanOptions.Tier", Problem: "is none", Try: "use one of them, or a smaller Params.Step"},
			"ANCHORVK_TIER is none; use one of them, or a smaller --step",
		},
		{
			&vk.LimitError{What: "the plan", Limit: "number", Asked: 2, Max: 1, Try: "a smaller Params.Step, or PlanOptions.ScratchBytes"},
			"the plan needs number of 2, the device allows 1; try: a smaller --step, or PlanOptions.ScratchBytes",
		},
		{context.Canceled, "interrupted"},
		{&fs.PathError{Op: "open", Path: "Options.Device", Err: fs.ErrNotExist}, "open Options.Device: file does not exist"},
	} {
		assert.Equal(t, c.want, message(c.err))
	}
}

// A name that fits no device, or several: with a real list of devices.
func TestADeviceThatIsNoneNamesItsVariable(t *testing.T) {
	needDevice(t)
	t.Setenv("ANCHORVK_DEVICE", "nonesuch")
	code, stdout, stderr := program("bench", "--explain", "--seq", "64")
	require.Equal(t, 3, code)
	require.Empty(t, stdout)
	require.True(t, strings.HasPrefix(stderr, "anchorvk: no usable Vulkan device: no device has the index or a name with \"nonesuch\"; there are:\n  0: "), stderr)
	require.True(t, strings.HasSuffix(stderr, "; try: ANCHORVK_DEVICE as one of these indices or a part of one name\n"), stderr)
}

// A feature that the environment takes away is so in everything that speaks of it.
func TestADisabledFeatureNamesItsVariable(t *testing.T) {
	needDevice(t)
	t.Setenv("ANCHORVK_DISABLE", "storage16")
	const why = "needs storage16: " + offInWords
	code, stdout, _ := program("devices")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "\n  scalar: no, "+why+"\n")
	code, stdout, _ = program("devices", "--json")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, `"storage16": "`+offInWords+`"`)
	require.Contains(t, stdout, `"why": "`+why+`"`)
	code, stdout, _ = program("verify", "-p", "^scalar$")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, " scalar: "+why+"\n")
	t.Setenv("ANCHORVK_TIER", "scalar")
	code, _, stderr := program("bench", "--explain", "--seq", "64")
	require.Equal(t, 7, code)
	require.Equal(t, "anchorvk: feature tier scalar cannot be used: "+why+"; try: another tier, or none to take the best (anchorvk devices lists them)\n", stderr)
}

// wordy is a backend whose texts have names of the library.
type wordy struct{ *fake }

func (wordy) tiers(*vk.Report) []tierRecord {
	return []tierRecord{{"fast", true, "only used when asked for (PlanOptions.Tier): it is new"}, {"plain", false, "needs storage16: " + offByName}}
}

func TestDevicesNameVariables(t *testing.T) {
	f := newFake()
	f.reports[0].Why = map[string]string{"storage16": offByName}
	code, stdout, stderr := invoke(wordy{f}, nil, "devices")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "\n  fast: only used when asked for (ANCHORVK_TIER): it is new\n  plain: no, needs storage16: "+offInWords+"\n")
	code, stdout, stderr = invoke(wordy{f}, nil, "devices", "--json")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, `"storage16": "`+offInWords+`"`)
	require.Equal(t, offByName, f.reports[0].Why["storage16"], "the report itself stays")
}

func TestPlansNameVariables(t *testing.T) {
	problem := attention.Problem{Shape: attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 64, KVLen: 64, HeadDim: 64}, Mode: attention.ModeDense}
	plan, err := attention.NewPlan(testreports.Fake("discrete"), problem, attention.PlanOptions{Tier: attention.TierScalar, Tuning: "keys=2"})
	require.NoError(t, err)
	plan.Refused = "fast could not be built: " + offByName
	for _, format := range []report.Format{report.Markdown, report.JSON} {
		var out writer
		a := &app{stdout: &out, format: format}
		require.NoError(t, a.explain(plan))
		require.Contains(t, string(out), "fast could not be built: "+offInWords)
		require.Contains(t, string(out), "ANCHORVK_TUNING")
		require.NotContains(t, string(out), "PlanOptions")
	}
	require.Equal(t, "PlanOptions.Tuning", plan.Tuning.From, "the plan itself stays")
}

func TestTrialsNameVariables(t *testing.T) {
	r := newTrialRecord(&tune.Sweep{}, tune.Trial{Why: tuning.LeftOut{From: "candidate", Why: "is not possible"}.Err().Error()})
	require.Equal(t, "attention: candidate cannot be: is not possible; use other values, or none; --explain shows the choice of the table", r.Why)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(text), "Plan.String")
}

func TestTheLogNamesVariables(t *testing.T) {
	var stderr writer
	a := &app{stderr: &stderr, output: "md"}
	require.NoError(t, a.setup())
	a.log.Warn("a tier cannot be built", "tier", "fast", "error", fmt.Errorf("pipeline: %w", &vk.FeatureError{Feature: "float16", Why: offByName}), slog.Any("reason", errors.New("Options.Disable")))
	require.Contains(t, string(stderr), `tier=fast error="pipeline: feature float16 cannot be used: `+offInWords+`" reason=Options.Disable`)
}

// The library speaks of its own options, and the command knows what they are
// here: no text of the library names a variable, or how the command shows plans
// and tiers, except where it reads the environment.
func TestTheLibraryNamesItsOwnOptions(t *testing.T) {
	named := map[string]bool{}
	for _, folder := range []string{"attention", "attention/*", "internal/tuning", "vk"} {
		files, err := filepath.Glob("../../" + folder + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			require.NoError(t, err)
			ast.Inspect(tree, func(n ast.Node) bool {
				if f, ok := n.(*ast.FuncDecl); ok && strings.HasSuffix(f.Name.Name, "OptionsFromEnv") {
					return false
				}
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				for _, own := range []string{"ANCHORVK_", "--explain", "anchorvk devices"} {
					assert.NotContains(t, text, own, file)
				}
				for _, name := range dotted.FindAllString(text, -1) {
					named[name] = true
				}
				return true
			})
		}
	}
	for name := range variableOf {
		assert.True(t, named[name], "%s: no text of the library names it", name)
	}
}
