// What the searches on matrices have in common: each workgroup has HEADS slots, one head each, and stages KEYS keys at a time for all
// of its subgroups. Each of those multiplies ROWS rows of its slot with its share of the keys.
#include "matrix_spec.glsl"
layout(constant_id = 9) const uint HEADS = 1; // a power of two, at most the subgroups
layout(constant_id = 10) const uint LEAN = 0; // 1 where registers are few: rows lie in shared memory, keys are not fetched ahead, HEADS is 1
const uint SUBGROUPS = LOCAL_X / LANES;
const uint PARTS = SUBGROUPS / HEADS;         // subgroups of a head
const uint KEY_STRIDE = DIM_PADDED / 8 + 1;   // uvec4; padded by 16 bytes, so that neighbours start in other banks
const uint DIM_STEPS = DIM_PADDED / MAT_K;
shared uvec4 key_tile[KEYS * KEY_STRIDE];
MATRIX_C column;                              // each element's column
