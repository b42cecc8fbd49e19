package tuning

import (
	"fmt"
	"strings"

	"github.com/anchorvk/anchorvk/attention/problem"
	"github.com/anchorvk/anchorvk/vk"
)

// Tier names a family of kernels by what it asks of the device. Every tier
// computes the same thing.
type Tier string

const (
	// TierCoop2 is TierCoop with softmax in registers: what
	// VK_NV_cooperative_matrix2 adds at subgroup scope reduces, converts and
	// maps matrices there.
	TierCoop2 Tier = "coop2"
	// TierCoop multiplies on matrix units (VK_KHR_cooperative_matrix), with
	// fp32 sums.
	TierCoop Tier = "coop"
	// TierCoopF16 sums the products of weights and values of a few keys in
	// fp16, scaled so that they cannot overflow, and those sums in fp32.
	// Faster where matrix units sum in fp16 at twice the rate.
	TierCoopF16 Tier = "coop-f16"
	// TierScalar keeps tensors in 16 bit and computes in fp32.
	TierScalar Tier = "scalar"
	// TierScalarF16 also multiplies in fp16, with sums in fp32 after every two
	// products. Faster where fp16 runs at twice the rate; scores beyond
	// what a half holds overflow, so that it is only taken when asked for.
	TierScalarF16 Tier = "scalar-f16"
	// TierUnpack needs no 16-bit feature: halves are unpacked from 32-bit words.
	TierUnpack Tier = "unpack"
)

// OnMatrixUnits is set for tiers whose kernels multiply on matrix units: they
// ask for a product and a subgroup size.
func (t Tier) OnMatrixUnits() bool { return t == TierCoop || t == TierCoop2 || t == TierCoopF16 }

// tierOrder is the order in which a device is offered tiers: the first that
// passes and is not passed over is the default.
var tierOrder = []struct {
	tier  Tier
	needs []need
	// passOver says why the tier is only taken when asked for, or "".
	passOver func(*vk.Report) string
}{
	{TierCoop2, []need{matrixUnits, matrixFunctions, storage16, float16Math, shuffles, votes}, func(r *vk.Report) string {
		if r.Type == "cpu" {
			return "a CPU has no matrix units, and emulates them slowly"
		}
		if r.VendorID != vendorNVIDIA {
			return "only measured on NVIDIA's GPUs yet"
		}
		return ""
	}},
	{TierCoop, []need{matrixUnits, storage16, float16Math, shuffles, votes}, func(r *vk.Report) string {
		if r.Type == "cpu" {
			return "a CPU has no matrix units, and emulates them slowly"
		}
		return ""
	}},
	{TierCoopF16, []need{matrixUnits, halfSums, storage16, float16Math, shuffles, votes}, func(*vk.Report) string {
		return "it gains only where matrix units sum in fp16 at a higher rate, and is less exact"
	}},
	{TierScalar, []need{storage16}, func(r *vk.Report) string {
		if oldLavapipe(r) {
			return "this driver loads 16-bit elements one by one"
		}
		return ""
	}},
	{TierScalarF16, []need{storage16, float16Math}, func(*vk.Report) string { return "its products overflow on large inputs" }},
	{TierUnpack, nil, func(*vk.Report) string { return "" }},
}

// need is a device feature that a tier cannot do without.
type need struct {
	feature string // as vk.FeatureNames has it
	on      func(*vk.Report) bool
}

var (
	storage16   = need{"storage16", func(r *vk.Report) bool { return r.Features.Storage16 }}
	matrixUnits = need{"coopmat", func(r *vk.Report) bool {
		_, ok := BestProduct(r, TierCoop)
		return ok && r.Features.CooperativeMatrix
	}}
	halfSums = need{"coopmat that sums in fp16 as well as in fp32", func(r *vk.Report) bool {
		_, ok := BestProduct(r, TierCoopF16)
		return ok
	}}
	matrixFunctions = need{"coopmat2", func(r *vk.Report) bool {
		_, ok := BestProduct(r, TierCoop2)
		return ok && r.Features.CooperativeMatrix2 && r.CoopMatrix2.Reductions && r.CoopMatrix2.Conversions && r.CoopMatrix2.PerElement
	}}
	shuffles    = need{"subgroup", func(r *vk.Report) bool { return subgroupFloor(r) > 0 && r.Subgroup.Size >= 4 && r.Subgroup.Size <= 64 }}
	votes       = need{"subgroup votes", func(r *vk.Report) bool { return r.Subgroup.Vote }}
	float16Math = need{"float16", func(r *vk.Report) bool { return r.Features.Float16 }}
)

// TierStatus says whether a device passes a tier.
type TierStatus struct {
	Name Tier
	OK   bool
	Why  string // why it does not pass, or that it is on request only
}

// Tiers lists every tier, best first, with the reason where the device does
// not pass it.
func Tiers(r *vk.Report) []TierStatus {
	var all []TierStatus
	for _, t := range tierOrder {
		why := missing(r, t.needs)
		status := TierStatus{Name: t.tier, OK: why == "", Why: why}
		if why := t.passOver(r); status.OK && why != "" {
			status.Why = "only used when asked for (PlanOptions.Tier): " + why
		}
		all = append(all, status)
	}
	return all
}

func missing(r *vk.Report, needs []need) string {
	for _, n := range needs {
		if !n.on(r) {
			why := r.WhyNot(n.feature)
			if why == "" {
				why = "the device does not offer it"
			}
			return fmt.Sprintf("needs %s: %s", n.feature, why)
		}
	}
	return ""
}

// Order are all tiers, best first.
func Order() []Tier {
	var all []Tier
	for _, t := range tierOrder {
		all = append(all, t.tier)
	}
	return all
}

// chooseTier returns the tier asked for, or for "" the device's best one that
// is not refused, with what the table gives it.
func chooseTier(r *vk.Report, q *Request) (Tier, *Rule, Tuning, error) {
	var names []string
	for _, t := range tierOrder {
		names = append(names, string(t.tier))
		if q.Tier != "" && q.Tier != t.tier {
			continue
		}
		why := missing(r, t.needs)
		var rule *Rule
		var tuned Tuning
		if why == "" {
			rule, tuned, why = fromTable(r, t.tier, q.HeadDim)
		}
		switch {
		case q.Tier != "" && why != "":
			return "", nil, tuned, &vk.FeatureError{Feature: "tier " + string(q.Tier), Why: why, Try: "another tier, or none to take the best (attention.Tiers lists them)"}
		case q.Tier != "", why == "" && q.Refused[t.tier] == "" && t.passOver(r) == "":
			return t.tier, rule, tuned, nil
		}
	}
	if q.Tier == "" {
		return "", nil, Tuning{}, &vk.FeatureError{Feature: "any tier", Why: RefusalText(q.Refused), Try: "another device, or another version of its driver"}
	}
	return "", nil, Tuning{}, problem.Errorf("PlanOptions.Tier", "use one of "+strings.Join(names, ", ")+", or none to take the best", "is %q, which is no tier", q.Tier)
}

// RefusalText lists tiers that could not be built, with the reasons, in the
// order of preference.
func RefusalText(refused map[Tier]string) string {
	var parts []string
	for _, t := range tierOrder {
		if why := refused[t.tier]; why != "" {
			parts = append(parts, fmt.Sprintf("%s could not be built: %s", t.tier, why))
		}
	}
	return strings.Join(parts, "; ")
}
