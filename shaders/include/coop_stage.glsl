// Staging of K and V for the matrix kernels: a tile of KEYS keys and values goes from global to shared memory, once for the
// workgroup. fetch_tile issues the loads, put_tile stores what they brought a tile later; between them lie the products of the tile
// before. Queries pass through the key tile once. Needs: bindings 0 to 2, push.glsl, and from the kernel uint key_at(uint i), the
// position of key i of its sequence.
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
layout(binding = 2, std430) readonly buffer ValueBuffer { uvec4 values[]; };

// Rows in shared memory are padded by 16 bytes, so that neighbours start in other banks. Values are staged transposed, a row
// for each dimension: then both products read their right-hand matrix along its inner dimension, in whole words.
const uint KEY_STRIDE = DIM_PADDED / 8 + 1;     // uvec4
const uint VALUE_STRIDE = KEYS / 2 + 4;         // uint, two keys each
shared uvec4 key_tile[KEYS * KEY_STRIDE];
shared uint value_tile[DIM_PADDED * VALUE_STRIDE];
shared uint odd_values; // some value on the diagonal is not finite

// What each invocation carries from global to shared memory: chunks of keys, and chunks of two neighbouring values.
const uint TILE_CHUNKS = KEYS * CHUNKS_ROW;
const uint CARRIED = (TILE_CHUNKS + LOCAL_X - 1) / LOCAL_X;
const uint TILE_PAIRS = TILE_CHUNKS / 2;
const uint CARRIED_PAIRS = (TILE_PAIRS + LOCAL_X - 1) / LOCAL_X;
uvec4 next_keys[CARRIED];
uvec4 next_values[CARRIED_PAIRS * 2];

uvec4 value_chunk(uint i, uint count, uint v_head_base, uint chunk) {
    return i < count ? values[v_head_base + key_at(i) * v_row + chunk] : uvec4(0);
}

void fetch_tile(uint first, uint count, uint k_head_base, uint v_head_base) {
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        uint at = first + i / CHUNKS_ROW;
        next_keys[n] = uvec4(0);
        if (i < TILE_CHUNKS && at < count) next_keys[n] = keys[k_head_base + key_at(at) * k_row + i % CHUNKS_ROW];
    }
    [[unroll]] for (uint n = 0; n < CARRIED_PAIRS; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (i >= TILE_PAIRS) continue;
        uint at = first + i % (KEYS / 2) * 2;
        next_values[2 * n] = value_chunk(at, count, v_head_base, i / (KEYS / 2));
        next_values[2 * n + 1] = value_chunk(at + 1, count, v_head_base, i / (KEYS / 2));
    }
}

// Zeroes the halves of a word that are not finite, so that they cannot reach rows that do not see them.
uint finite_halves(uint x) {
    uint low = (x & 0x7c00u) == 0x7c00u ? 0 : x & 0xffffu;
    uint high = (x & 0x7c000000u) == 0x7c000000u ? 0 : x & 0xffff0000u;
    if ((low | high) != x) odd_values = 1;
    return low | high;
}

void put_tile(bool on_diagonal) {
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (i < TILE_CHUNKS) key_tile[i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = next_keys[n];
    }
    [[unroll]] for (uint n = 0; n < CARRIED_PAIRS; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (i >= TILE_PAIRS) continue;
        uint at = i / (KEYS / 2) * 8 * VALUE_STRIDE + i % (KEYS / 2);
        [[unroll]] for (uint e = 0; e < 4; e++) {
            uint even = next_values[2 * n][e];
            uint odd = next_values[2 * n + 1][e];
            uint low = even & 0xffffu | odd << 16;
            uint high = even >> 16 | odd & 0xffff0000u;
            if (on_diagonal) {
                low = finite_halves(low);
                high = finite_halves(high);
            }
            value_tile[at + 2 * e * VALUE_STRIDE] = low;
            value_tile[at + (2 * e + 1) * VALUE_STRIDE] = high;
        }
    }
}

// Zeroes the padding of head_dim, and forgets the odd values.
void begin_staging() {
    if (DIM_PADDED != DIM) { // by one chunk
        for (uint i = gl_LocalInvocationIndex; i < KEYS; i += LOCAL_X) key_tile[i * KEY_STRIDE + CHUNKS_ROW] = uvec4(0);
        for (uint i = gl_LocalInvocationIndex; i < 8 * VALUE_STRIDE; i += LOCAL_X) value_tile[DIM * VALUE_STRIDE + i] = 0;
    }
    if (gl_LocalInvocationIndex == 0) odd_values = 0;
    barrier();
}

// KEYS rows of queries into the key tile; positions outside of the call repeat its first or last row.
void put_queries(uint head, uint first_position) {
    for (uint i = gl_LocalInvocationIndex; i < TILE_CHUNKS; i += LOCAL_X) {
        uint position = clamp(first_position + i / CHUNKS_ROW, q_offset, q_offset + q_len - 1);
        key_tile[i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] =
            queries[q_base + head * q_head + (position - q_offset) * q_row + i % CHUNKS_ROW];
    }
}
