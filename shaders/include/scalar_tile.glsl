// The scalar family: LANES invocations share ROWS query rows, of which each holds CHUNKS chunks in registers. Keys are attended in
// batches of KEYS where every row of the tile sees them, and singly where only some do, or where fewer are left.
#include "scalar_kv.glsl"
#include "scalar_lanes.glsl"
DECLARE_K(1);
DECLARE_V(2);
#include "scalar_score.glsl"
#include "scalar_softmax.glsl"

// Always read as 32-bit words: once a tile, so the way of loading does not matter.
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };

void begin_tile(uint head, uint first_position) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint position = clamp(first_position + first_tile_row() + r, q_offset, kv_end - 1);
        uint row = q_base + head * q_head + (position - q_offset) * q_row;
        [[unroll]] for (uint c = 0; c < CHUNKS; c++) {
            uvec4 packed = queries[row + chunk_of(c)];
            uint at = (r * CHUNKS + c) * 2;
            q[at] = VEC4(vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y)) * Q_SHRINK);
            q[at + 1] = VEC4(vec4(unpackHalf2x16(packed.z), unpackHalf2x16(packed.w)) * Q_SHRINK);
        }
    }
}

// Key k of the batch that begins with key i of the sequence. Neighbours in a sequence that is not gathered are neighbours in K too
// (sink and window are multiples of 16, so no batch straddles them).
#ifdef GATHERED
#define BATCH_AT(i) i
#define KEY_OF(batch, k) key_at(batch + k)
#else
#define BATCH_AT(i) key_at(i)
#define KEY_OF(batch, k) min(batch + k, kv_end - 1)
#endif

void attend(uint count, uint seen_by_all, bool diagonal, uint first_position, uint k_head_base, uint v_head_base) {
    uint own_position = first_position + first_tile_row();
    uint in_batches = seen_by_all / KEYS * KEYS;
    for (uint i = FROM_KEY(0); i < TO_KEY(in_batches); i += KEYS) {
        uint batch = BATCH_AT(i);
        uint k_chunk[KEYS], v_chunk[KEYS];
        [[unroll]] for (uint k = 0; k < KEYS; k++) {
            uint key = KEY_OF(batch, k);
            k_chunk[k] = k_head_base + key * k_row;
            v_chunk[k] = v_head_base + key * v_row;
        }
        attend_keys(k_chunk, v_chunk);
    }
    for (uint i = FROM_KEY(in_batches); i < TO_KEY(count); i++) {
        uint key = KEY_OF(BATCH_AT(i), 0);
        bool visible[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) visible[r] = !diagonal || key <= own_position + r;
        attend_key(k_head_base + key * k_row, v_head_base + key * v_row, visible);
    }
}

bool any_odd_value() { return false; } // attend_key leaves out what a row does not see
