// Staging of K and V for the matrix kernels: a tile of KEYS keys and values goes from global to shared memory, once for the
// workgroup. fetch_tile issues the loads, put_tile stores what they brought a tile later; between them lie the products of the tile
// before. Needs: bindings 0 to 2, push.glsl, and from the kernel uint key_at(uint i), the
// position of key i of its sequence.
layout(binding = 0, std430) readonly buffer QueryBuffer { uvec4 queries[]; };
layout(binding = 1, std430) readonly buffer KeyBuffer { uvec4 keys[]; };
layout(binding = 2, std430) readonly buffer ValueBuffer { uvec4 values[]; };

// Rows in shared memory are padded by 16 bytes, so that neighbours start in other banks. Values are staged as they come with
// VALUES_BY_KEY, else transposed, a row for each dimension: then both products read their matrix of the tile along its inner
// dimension, in whole words.
const uint KEY_STRIDE = DIM_PADDED / 8 + 1;     // uvec4
shared uvec4 key_tile[KEYS * KEY_STRIDE];
#ifdef VALUES_BY_KEY
shared uvec4 value_tile[KEYS * KEY_STRIDE + 1];
#define odd_value_flag value_tile[KEYS * KEY_STRIDE].x
#else
const uint VALUE_STRIDE = KEYS / 2 + 4;         // uint, two keys each
shared uint value_tile[DIM_PADDED * VALUE_STRIDE + 4];
#define odd_value_flag value_tile[DIM_PADDED * VALUE_STRIDE]
#endif

// Behind the values: a variable of its own would be placed first by some compilers, and move every tile off its 16 bytes.
bool any_odd_value() { return odd_value_flag != 0; } // some value on the diagonal is not finite

// What each invocation carries from global to shared memory: chunks of keys, and of values, transposed ones by two neighbours.
const uint TILE_CHUNKS = KEYS * CHUNKS_ROW;
const uint CARRIED = (TILE_CHUNKS + LOCAL_X - 1) / LOCAL_X;
#ifdef VALUES_BY_KEY
const uint CARRIED_VALUES = CARRIED;
#else
const uint TILE_PAIRS = TILE_CHUNKS / 2;
const uint CARRIED_VALUES = (TILE_PAIRS + LOCAL_X - 1) / LOCAL_X * 2;
bool carries_pair(uint i) { return TILE_PAIRS % LOCAL_X == 0 || i < TILE_PAIRS; }
#endif
bool carries_chunk(uint i) { return TILE_CHUNKS % LOCAL_X == 0 || i < TILE_CHUNKS; }
uvec4 next_keys[CARRIED];
uvec4 next_values[CARRIED_VALUES];

// Past the sequence's end values are zero, since a weight of zero does not undo an infinity.
uvec4 value_chunk(uint at, uint last, uint v_head_base, uint chunk) {
    uvec4 value = values[v_head_base + key_at(min(at, last)) * v_row + chunk];
    return at <= last ? value : uvec4(0);
}

// Loads the tile from key `first` of the sequence on. Past its end keys repeat the last one, whose scores are left out.
void fetch_tile(uint first, uint count, uint k_head_base, uint v_head_base) {
    uint last = max(count, 1) - 1;
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (carries_chunk(i)) next_keys[n] = keys[k_head_base + key_at(min(first + i / CHUNKS_ROW, last)) * k_row + i % CHUNKS_ROW];
    }
#ifdef VALUES_BY_KEY
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (carries_chunk(i)) next_values[n] = value_chunk(first + i / CHUNKS_ROW, last, v_head_base, i % CHUNKS_ROW);
    }
#else
    [[unroll]] for (uint n = 0; n < CARRIED_VALUES; n++) {
        uint i = n / 2 * LOCAL_X + gl_LocalInvocationIndex;
        if (carries_pair(i)) next_values[n] = value_chunk(first + i % (KEYS / 2) * 2 + n % 2, last, v_head_base, i / (KEYS / 2));
    }
#endif
}

uint finite_halves(uint x) {
    uint low = (x & 0x7c00u) == 0x7c00u ? 0 : x & 0xffffu;
    uint high = (x & 0x7c000000u) == 0x7c000000u ? 0 : x & 0xffff0000u;
    return low | high;
}

// Zeroes the fetched values that are not finite, so that they cannot reach rows that do not see them.
void make_values_finite() {
    uint changed = 0;
    [[unroll]] for (uint n = 0; n < CARRIED_VALUES; n++) {
#ifdef VALUES_BY_KEY
        if (!carries_chunk(n * LOCAL_X + gl_LocalInvocationIndex)) continue;
#else
        if (!carries_pair(n / 2 * LOCAL_X + gl_LocalInvocationIndex)) continue;
#endif
        [[unroll]] for (uint e = 0; e < 4; e++) {
            uint x = finite_halves(next_values[n][e]);
            changed |= next_values[n][e] ^ x;
            next_values[n][e] = x;
        }
    }
    if (changed != 0) odd_value_flag = 1;
}

#ifdef HALF_SUMS
// Values are staged smaller, by a power of two that keeps fp16 sums finite: KEYS weights of up to 4 (MAX_LEAD), times the largest
// half, over VALUE_SHRINK, come to the largest half again.
const uint VALUE_SHRINK = KEYS * 4;
uint staged(uint x) { return packFloat2x16(unpackFloat2x16(x) * float16_t(1.0 / float(VALUE_SHRINK))); }
#else
uint staged(uint x) { return x; }
#endif

void put_tile(bool on_diagonal) {
    if (on_diagonal) make_values_finite();
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (!carries_chunk(i)) continue;
        key_tile[i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = next_keys[n];
#ifdef VALUES_BY_KEY
        value_tile[i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = next_values[n];
#endif
    }
#ifndef VALUES_BY_KEY
    [[unroll]] for (uint n = 0; n < CARRIED_VALUES; n += 2) {
        uint i = n / 2 * LOCAL_X + gl_LocalInvocationIndex;
        if (!carries_pair(i)) continue;
        uint at = i / (KEYS / 2) * 8 * VALUE_STRIDE + i % (KEYS / 2);
        [[unroll]] for (uint e = 0; e < 4; e++) {
            uint even = staged(next_values[n][e]);
            uint odd = staged(next_values[n + 1][e]);
            value_tile[at + 2 * e * VALUE_STRIDE] = even & 0xffffu | odd << 16;
            value_tile[at + (2 * e + 1) * VALUE_STRIDE] = even >> 16 | odd & 0xffff0000u;
        }
    }
#endif
}

// Zeroes the padding of head_dim, and forgets the odd values.
void begin_staging() {
    if (DIM_PADDED != DIM) { // by one chunk
        for (uint i = gl_LocalInvocationIndex; i < KEYS; i += LOCAL_X) key_tile[i * KEY_STRIDE + CHUNKS_ROW] = uvec4(0);
#ifdef VALUES_BY_KEY
        for (uint i = gl_LocalInvocationIndex; i < KEYS; i += LOCAL_X) value_tile[i * KEY_STRIDE + CHUNKS_ROW] = uvec4(0);
#else
        for (uint i = gl_LocalInvocationIndex; i < 8 * VALUE_STRIDE; i += LOCAL_X) value_tile[DIM * VALUE_STRIDE + i] = 0;
#endif
    }
    if (gl_LocalInvocationIndex == 0) odd_value_flag = 0;
    barrier();
}
