#version 460
// Turns a slot's stripe mask into the ascending list of its key positions, and counts them. One workgroup a slot: each
// invocation owns a run of words, counts its bits, learns from shared memory how many come before, and writes its own.
#extension GL_GOOGLE_include_directive : require
#include "include/spec.glsl"
#include "include/push.glsl"
layout(binding = 0, std430) readonly buffer MaskBuffer { uint mask[]; };        // [slot][word]
layout(binding = 1, std430) writeonly buffer StripeBuffer { uint stripes[]; };  // [slot][stripe_stride]
layout(binding = 2, std430) writeonly buffer CountBuffer { uint counts[]; };    // [unit]

shared uint found[LOCAL_X];

void main() {
    uint slot = first_item + gl_WorkGroupID.x;
    uint run = (mask_words() + LOCAL_X - 1) / LOCAL_X;
    uint first = min(gl_LocalInvocationIndex * run, mask_words());
    uint last = min(first + run, mask_words());
    uint base = slot * mask_words();

    uint own = 0;
    for (uint word = first; word < last; word++) own += bitCount(mask[base + word]);
    found[gl_LocalInvocationIndex] = own;
    barrier();

    uint at = 0;
    for (uint i = 0; i < gl_LocalInvocationIndex; i++) at += found[i];
    if (gl_LocalInvocationIndex == LOCAL_X - 1) counts[unit_of_slot(slot).index] = at + own;
    at += slot * stripe_stride();
    for (uint word = first; word < last; word++) {
        uint bits = mask[base + word];
        while (bits != 0) {
            stripes[at++] = word * 32 + findLSB(bits);
            bits &= bits - 1;
        }
    }
}
