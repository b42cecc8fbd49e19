// (maximum, sum of 2^(score - maximum)) of each sampled row over one run, from the kernel sample for those that need probabilities.
// SUMS_ACCESS is readonly or writeonly, SUMS_BINDING comes from the kernel. Needs: guard.glsl.
layout(binding = SUMS_BINDING, std430) SUMS_ACCESS buffer SampledBuffer { vec2 sampled_sums[]; }; // [slot][run][row]
uint sampled_at(uint slot, uint run, uint row) { return (slot * sum_runs() + run) * rows_a_slot() + row; }
