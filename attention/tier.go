package attention

import (
	"github.com/anchorvk/anchorvk/internal/tuning"
	"github.com/anchorvk/anchorvk/vk"
)

// Tier names a family of kernels by what it asks of the device. Every tier
// computes the same thing.
type Tier = tuning.Tier

// The tiers.
const (
	// TierCoop2 is TierCoop with softmax in registers: what
	// VK_NV_cooperative_matrix2 adds at subgroup scope reduces, converts and
	// maps matrices there.
	TierCoop2 = tuning.TierCoop2
	// TierCoop multiplies on matrix units (VK_KHR_cooperative_matrix), with
	// fp32 sums.
	TierCoop = tuning.TierCoop
	// TierCoopF16 sums the products of weights and values of a few keys in
	// fp16, scaled so that they cannot overflow, and those sums in fp32.
	// Faster where matrix units sum in fp16 at twice the rate.
	TierCoopF16 = tuning.TierCoopF16
	// TierScalar keeps tensors in 16 bit and computes in fp32.
	TierScalar = tuning.TierScalar
	// TierScalarF16 also multiplies in fp16, with sums in fp32 after every two
	// products. Faster where fp16 runs at twice the rate; scores beyond
	// what a half holds overflow, so that it is only taken when asked for.
	TierScalarF16 = tuning.TierScalarF16
	// TierUnpack needs no 16-bit feature: halves are unpacked from 32-bit words.
	TierUnpack = tuning.TierUnpack
)

// TierStatus says whether a device passes a tier.
type TierStatus = tuning.TierStatus

// Tiers lists every tier, best first, with the reason where the device does
// not pass it.
func Tiers(r *vk.Report) []TierStatus { return tuning.Tiers(r) }
