//go:build cgo && linux

package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/vk"
)

func TestErrorsSpeakTheWordsOfTheHeader(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{
			attention.Shape{Batch: 1, Heads: 1, KVHeads: 1, QLen: 3, KVLen: 2, HeadDim: 8}.Validate(),
			"anchorvk: avk_plan_info.q_len is 3, more than the 2 keys; pass the keys and values of every query position, or swap q and k if they are mixed up",
		},
		{
			attention.Tensor{Shape: [4]int{1, 1, 2, 8}, Strides: [3]int{0, 0, 9}}.Validate("K"),
			"anchorvk: avk_tensors.k->strides[2] is 9; use a contiguous layout (AVK_LAYOUT_BHSD, AVK_LAYOUT_BSHD), or strides in elements that are multiples of 8, not negative",
		},
		{
			&attention.ArgumentError{Field: "V.Shape", Problem: "is [1] where [2] is needed", Try: "pad each row of V, and set Params.Scale"},
			"anchorvk: avk_tensors.v is [1] where [2] is needed; pad each row of v, and set scale",
		},
		{
			&attention.ArgumentError{Field: "LSEBuffer", Problem: "is set, and LSE too", Try: "set one, or nil"},
			"anchorvk: avk_tensors.lse_buffer is set, and lse too; set one, or NULL",
		},
		{
			fmt.Errorf("wrapped: %w", &attention.ArgumentError{Field: "plan", Problem: "is of a device of the name Q", Try: "make it with Engine.Plan"}),
			"wrapped: anchorvk: plan is of a device of the name q; make it with avk_plan_create",
		},
		{
			&vk.BorrowError{Field: `BorrowedBuffer.Usage (buffer "K")`, Problem: "is 0", Try: "pass it"},
			`anchorvk: avk_borrow_info.usage (buffer "K") is 0; try: pass it`,
		},
		{&vk.TimeoutError{During: "Q"}, "the Vulkan device made no progress for 0s during Q; try: smaller slices (avk_plan_info.slice_ms) or a larger avk_device_options.timeout_ms"},
		{&vk.DeviceLostError{During: "Q"}, "the Vulkan device was lost during Q; try: open it again, smaller slices (avk_plan_info.slice_ms), or look at the kernel log for a GPU reset"},
		{
			&vk.FeatureError{Feature: "tier scalar", Why: "needs storage16: switched off by Options.Disable", Try: "another tier, or none to take the best (attention.Tiers lists them)"},
			"feature tier scalar cannot be used: needs storage16: switched off by avk_device_options.disable; try: another tier, or none to take the best (avk_plan_info.tier lists them)",
		},
		{
			&vk.NoDeviceError{Why: "no device has the index or a name with \"x\"; there are:", Found: []string{"0: a"}, Try: "Options.Device as one of these indices or a part of one name"},
			"no usable Vulkan device: no device has the index or a name with \"x\"; there are:\n  0: a; try: avk_device_options.device as one of these indices or a part of one name",
		},
		{
			&attention.ArgumentError{Field: "PlanOptions.Tier", Problem: "cannot be", Try: "use another; Plan.String shows the choice of the table"},
			"anchorvk: avk_plan_info.tier cannot be; use another; avk_plan_text shows the choice of the table",
		},
		{fmt.Errorf("vk: %w", context.Canceled), "anchorvk: the call was cancelled"},
		{errors.New("vk: a path /K/Shape"), "anchorvk: a path /K/Shape"},
	} {
		assert.Equal(t, c.want, speakC(c.err))
	}
}

// No text of the packages behind names what only Go programs know.
func TestEveryNameOfGoIsTranslated(t *testing.T) {
	dotted := regexp.MustCompile(`\b(Shape|Params|Plan|PlanOptions|RunOptions|PrepareOptions|Engine|Device|Recorder|Borrowed|BorrowedBuffer|Options|Sync|attention|vk)\.[A-Z]\w*|\b(Host|Device)BS?HS?D\b`)
	seen := 0
	for _, folder := range []string{"../attention", "../attention/problem", "../internal/tuning", "../vk"} {
		files, err := filepath.Glob(folder + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			require.NoError(t, err)
			ast.Inspect(tree, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				if dotted.MatchString(text) {
					seen++
					assert.NotRegexp(t, dotted, speakRest(text), "%s: add it to cNames", file)
				}
				return true
			})
		}
	}
	assert.Greater(t, seen, 25)
}
