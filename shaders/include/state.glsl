// The softmax state of rows in scratch memory, from anchor to stripes and from one range of keys to the next: accumulators by slot and
// tile, in an order of the family's own, and (maximum, sum) of each row by slot. The maxima that anchor leaves are the anchors. A row
// that has to become NaN has NaN as its sum. STATE_ACCESS is what the kernel does with it in one dispatch. What saves and loads it are
// macros: modules on matrices come to drivers as they are written, and a call would copy the tile.
#ifdef KEY_RANGE // a range reads what the one before it wrote
#undef STATE_ACCESS
#define STATE_ACCESS
#endif
layout(binding = ACC_BINDING, std430) STATE_ACCESS buffer AccBuffer { vec4 saved_acc[]; };
layout(binding = SUMS_BINDING, std430) STATE_ACCESS buffer SumsBuffer { vec2 saved_sums[]; };
#include "tile.glsl"
#if defined(IN_REGISTERS)
#include "registers_state.glsl"
#elif defined(IN_SHARED)
#include "shared_state.glsl"
#else
#include "scalar_state.glsl"
#endif
