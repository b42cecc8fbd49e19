//go:build cgo

package main

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/anchorvk/anchorvk/attention"
	"github.com/anchorvk/anchorvk/attention/profile"
)

// The packages behind this interface name arguments as Go programs see them.
// Here their errors get the names of anchorvk.h.

// cName is a field of a struct of the header, or a function or constant.
type cName struct{ of, name string }

var cNames = map[string]cName{
	"Shape": {"", "avk_plan_info"}, "Mode": {"avk_plan_info", "mode"}, "ModeAnchor": {"", "AVK_MODE_ANCHOR"}, "ModeDense": {"", "AVK_MODE_DENSE"},
	"Shape.Batch": {"avk_plan_info", "batch"}, "Shape.Heads": {"avk_plan_info", "heads"}, "Shape.KVHeads": {"avk_plan_info", "kv_heads"},
	"Shape.QLen": {"avk_plan_info", "q_len"}, "Shape.KVLen": {"avk_plan_info", "kv_len"}, "Shape.HeadDim": {"avk_plan_info", "head_dim"},
	"Params.Theta": {"avk_plan_info", "theta"}, "Params.Step": {"avk_plan_info", "step"}, "Params.Block": {"avk_plan_info", "block"},
	"Params.SinkBlocks": {"avk_plan_info", "sink_blocks"}, "Params.WindowBlocks": {"avk_plan_info", "window_blocks"}, "Params.Scale": {"avk_plan_info", "scale"},
	"Params.Tail": {"avk_plan_info", "tail"}, "Params.Guard.Stride": {"avk_plan_info", "guard_stride"},
	"Params.Heads": {"avk_plan_info", "head_modes"}, "HeadDefault": {"", "AVK_HEAD_DEFAULT"}, "HeadAnchor": {"", "AVK_HEAD_ANCHOR"},
	"HeadDense": {"", "AVK_HEAD_DENSE"}, "HeadAnchorOnly": {"", "AVK_HEAD_ANCHOR_ONLY"}, "Theta": {"", "theta"},
	"Params.Guard.Peak": {"avk_plan_info", "guard_peak"}, "Params.Guard.Limit": {"avk_plan_info", "guard_limit"},
	"Params.Guard.Look": {"avk_plan_info", "guard_look"}, "Params.Sample.Stride": {"avk_plan_info", "sample_stride"},
	"Params.Sample.Weight": {"avk_plan_info", "sample_weight"}, "Params.Sample.Part": {"avk_plan_info", "sample_part"},
	"Peak": {"", "guard_peak"}, "Limit": {"", "guard_limit"}, "Look": {"", "guard_look"}, "Weight": {"", "sample_weight"}, "Part": {"", "sample_part"},
	"PlanOptions.Tier": {"avk_plan_info", "tier"}, "PlanOptions.Tuning": {"", "tuning"}, "PlanOptions.SliceMS": {"avk_plan_info", "slice_ms"},
	"PlanOptions.StripeShare": {"avk_plan_info", "stripe_share"}, "PlanOptions.ScratchBytes": {"avk_plan_info", "scratch_bytes"},
	"attention.Tiers": {"avk_plan_info", "tier"}, "Plan.String": {"", "avk_plan_text"},
	"RunOptions.DutyCycle": {"", "duty_cycle"}, "Prepare": {"", "avk_call_prepare"}, "AllParts": {"", "AVK_ALL_PARTS"},

	"Q": {"avk_tensors", "q"}, "K": {"avk_tensors", "k"}, "V": {"avk_tensors", "v"}, "O": {"avk_tensors", "o"},
	"LSE": {"avk_tensors", "lse"}, "LSEBuffer": {"avk_tensors", "lse_buffer"}, "LSEOffset": {"avk_tensors", "lse_offset"}, "Stripes": {"avk_tensors", "stripes"},
	"Host": {"", "host"}, "Buffer": {"", "buffer"}, "HostBHSD": {"", "AVK_LAYOUT_BHSD"}, "HostBSHD": {"", "AVK_LAYOUT_BSHD"}, "nil": {"", "NULL"},

	"Engine.Plan": {"", "avk_plan_create"}, "NewPlan": {"", "avk_plan_create"}, "Engine.NewScratch": {"", "avk_scratch_create"},
	"Run": {"", "avk_call_run"}, "Submit": {"", "avk_call_submit"}, "Recorder.Run": {"", "avk_call_run"},
	"vk.Adopt": {"", "avk_device_adopt"}, "Device.NewBuffer": {"", "avk_buffer_create"},

	"Sync.Wait": {"avk_sync", "wait"}, "Sync.Signal": {"avk_sync", "signal"}, "Options": {"", "avk_device_options"}, "Options.Priority": {"avk_device_options", "priority"}, "Options.Timeout": {"avk_device_options", "timeout_ms"},
	"Options.MemoryBudget": {"avk_device_options", "memory_budget"}, "Options.Device": {"avk_device_options", "device"}, "Options.Disable": {"avk_device_options", "disable"},
	"Borrowed.Instance": {"avk_adopt_info", "instance"}, "Borrowed.PhysicalDevice": {"avk_adopt_info", "physical_device"}, "Borrowed.Device": {"avk_adopt_info", "device"},
	"Borrowed.Queue": {"avk_adopt_info", "queue"}, "Borrowed.QueueFamily": {"avk_adopt_info", "queue_family"}, "Borrowed.QueueIndex": {"avk_adopt_info", "queue_index"},
	"Borrowed.APIVersion": {"avk_adopt_info", "api_version"}, "Borrowed.Lock": {"avk_adopt_info", "lock_queue"}, "GetInstanceProcAddr": {"", "get_instance_proc_addr"},
	"BorrowedBuffer": {"", "avk_borrow_info"}, "BorrowedBuffer.Handle": {"avk_borrow_info", "buffer"}, "BorrowedBuffer.Size": {"avk_borrow_info", "size"},
	"BorrowedBuffer.Usage": {"avk_borrow_info", "usage"}, "BorrowedBuffer.Address": {"avk_borrow_info", "address"}, "Usage": {"", "usage"},
}

var (
	goName      = regexp.MustCompile(`\b(?:(?:attention|vk)\.)?[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)*\b|\bnil\b`)
	tensorField = regexp.MustCompile(`^([QKVO])\.([A-Z][a-z]+)(\[\d\])?$`)
	// lowerIndexed is a field of an entry of an array: [0].Theta.
	lowerIndexed = regexp.MustCompile(`\]\.[A-Z][A-Za-z]*`)
	inPackage    = regexp.MustCompile(`^(?:attention|vk): `)
)

// speakC is the text of an error in the words of the header. Only an
// ArgumentError has names without a dot, such as Q, which elsewhere may be part
// of anything.
func speakC(err error) string {
	text := strings.ReplaceAll(err.Error(), context.Canceled.Error(), "the call was cancelled")
	var unfit *profile.Error
	if errors.As(err, &unfit) { // in the words of a file, which may be any
		return "anchorvk: " + text
	}
	var wrong *attention.ArgumentError
	if errors.As(err, &wrong) {
		own := "anchorvk: " + speakField(wrong.Field) + " " + speakRest(wrong.Problem) + "; " + speakRest(wrong.Try)
		return strings.Replace(text, wrong.Error(), own, 1)
	}
	return inPackage.ReplaceAllString(speakDotted(text), "anchorvk: ")
}

// speakField names an argument in full: avk_tensors.q->strides[1].
func speakField(field string) string {
	if part := tensorField.FindStringSubmatch(field); part != nil {
		if part[2] == "Shape" {
			return "avk_tensors." + strings.ToLower(part[1])
		}
		return "avk_tensors." + strings.ToLower(part[1]) + "->" + strings.ToLower(part[2]) + part[3]
	}
	field = lowerIndexed.ReplaceAllStringFunc(field, strings.ToLower) // first: Mode alone is one of avk_plan_info
	return goName.ReplaceAllStringFunc(field, func(name string) string {
		c, ok := cNames[name]
		switch {
		case !ok:
			return name
		case c.of == "":
			return c.name
		}
		return c.of + "." + c.name
	})
}

// speakRest names other arguments in short, as the text goes on about them.
func speakRest(text string) string {
	return goName.ReplaceAllStringFunc(text, func(name string) string {
		if c, ok := cNames[name]; ok {
			return c.name
		}
		return name
	})
}

// speakDotted names in full what no other text could mean.
func speakDotted(text string) string {
	return goName.ReplaceAllStringFunc(text, func(name string) string {
		if strings.Contains(name, ".") || name == "BorrowedBuffer" {
			return speakField(name)
		}
		return name
	})
}
