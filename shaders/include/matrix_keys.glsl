// Keys of the searches on matrices: the workgroup stages KEYS of them at a time, and the PARTS subgroups of a head share a tile's.
// Needs: matrix_search.glsl, push.glsl and the buffer keys. A kernel that walks some keys only counts those, and says with KEY_AT where
// they are.
#ifndef KEY_AT
#define KEY_AT(i) i
#endif
const uint OWN_PARTS = KEY_PARTS / PARTS;              // matrices of keys that a subgroup scores
const uint OWN_WORDS = (OWN_PARTS * MAT_N + 31) / 32;
const uint TILE_CHUNKS = KEYS * CHUNKS_ROW;
const uint CARRIED = (TILE_CHUNKS + LOCAL_X - 1) / LOCAL_X;
uvec4 next_keys[CARRIED];

uint own_first_key() { return gl_SubgroupID % PARTS * OWN_PARTS * MAT_N; }

uvec4 key_chunk(uint first_key, uint k_head_base, uint i) {
    return keys[k_head_base + min(KEY_AT(first_key + i / CHUNKS_ROW), kv_end - 1) * k_row + i % CHUNKS_ROW];
}

void fetch_keys(uint first_key, uint k_head_base) {
    if (LEAN != 0) return;
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (TILE_CHUNKS % LOCAL_X == 0 || i < TILE_CHUNKS) next_keys[n] = key_chunk(first_key, k_head_base, i);
    }
}

// The keys that were fetched, or else those from a position on.
void put_keys(uint first_key, uint k_head_base) {
    if (LEAN != 0) {
        for (uint i = gl_LocalInvocationIndex; i < TILE_CHUNKS; i += LOCAL_X)
            key_tile[i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = key_chunk(first_key, k_head_base, i);
        return;
    }
    [[unroll]] for (uint n = 0; n < CARRIED; n++) {
        uint i = n * LOCAL_X + gl_LocalInvocationIndex;
        if (TILE_CHUNKS % LOCAL_X == 0 || i < TILE_CHUNKS) key_tile[i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] = next_keys[n];
    }
}
