#version 460
// Guard, verdict: the mean over a group's sampled rows of the probability that its stripes miss at peaks. Where that exceeds
// GUARD_LIMIT the unit fails: all its candidates become stripes, unless a second look (peaks.comp) follows. One workgroup a slot.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
#include "include/is_nan.glsl"
#include "include/guard.glsl"
#include "include/candidates.glsl"
layout(binding = 0, std430) readonly buffer MissBuffer { float missed[]; };        // [slot][run] sums over the sampled rows
layout(binding = 1, std430) writeonly buffer MaskBuffer { uint mask[]; };          // [slot][word]
layout(binding = 2, std430) writeonly buffer UnitBuffer { float unit_missed[]; };  // [unit] means over them

void main() {
    uint slot = first_item + gl_WorkGroupID.x;
    Unit unit = unit_of_slot(slot);
    uint end = candidates_end(unit);
    float sum = 0;
    for (uint run = 0; run * RUN_KEYS < end; run++) sum += missed[slot * runs() + run];
    float mean = sum / float(max(sampled_rows(unit), 1));
    if (gl_LocalInvocationIndex == 0) unit_missed[unit.index] = mean;
    if (!(mean > GUARD_LIMIT) || LOOK != 0) return;
    for (uint word = gl_LocalInvocationIndex; word < (end + 31) / 32; word += LOCAL_X) mask[slot * mask_words() + word] = candidates(word, end);
}
