// Pooled queries as matrices, for the stripe search: each subgroup holds ROWS of them, and what a score must reach in each row.
// Needs: matrix_search.glsl, push.glsl, stripe_mask.glsl and the buffers pooled and anchors.
shared vec4 row_limits[SUBGROUPS * ROWS / 4 + 4]; // of each subgroup's rows, then the numbers of columns
MATRIX_A upper[ROW_PARTS * DIM_STEPS];
MATRIX_A lower[ROW_PARTS * DIM_STEPS];
const uint POOLED_HALF = ROWS * KEY_STRIDE;
shared uvec4 pooled_tile[LEAN != 0 ? HEADS * 2 * POOLED_HALF : 1]; // of each head the upper halves, then the lower
MATRIX_C limit[ROW_PARTS]; // of each element's row

// Zeroes the padding of head_dim, which nothing writes afterwards.
void begin_pooled() {
    if (DIM_PADDED != DIM) // by one chunk
        for (uint i = gl_LocalInvocationIndex; i < KEYS; i += LOCAL_X) key_tile[i * KEY_STRIDE + CHUNKS_ROW] = uvec4(0);
    for (uint i = gl_LocalInvocationIndex; i < 16; i += LOCAL_X) row_limits[SUBGROUPS * ROWS / 4 + i / 4][i % 4] = float(i);
    barrier();
    coopMatLoad(column, row_limits, SUBGROUPS * ROWS / 4, 0, gl_CooperativeMatrixLayoutRowMajor);
}

// The two halves of four pooled elements; what no half can hold has nothing below it.
uvec2 upper_halves(vec4 x) { return uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw)); }
uvec2 lower_halves(vec4 x) {
    uvec2 packed = upper_halves(x);
    vec4 rest = x - vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
    [[unroll]] for (uint e = 0; e < 4; e++)
        if ((floatBitsToUint(rest[e]) & 0x7f800000u) == 0x7f800000u) rest[e] = 0;
    return upper_halves(rest);
}

uint head_tile() { return gl_SubgroupID / PARTS * 2 * POOLED_HALF; }

void share_pooled(uint slot, uint first_row) {
    const uint chunks = DIM_PADDED / 8;
    for (uint i = gl_SubgroupID % PARTS * LANES + gl_SubgroupInvocationID; i < ROWS * chunks; i += PARTS * LANES) {
        uint at = 2 * ((slot * blocks_in_group() + min(first_row + i / chunks, blocks_in_group() - 1)) * CHUNKS_ROW + min(i % chunks, CHUNKS_ROW - 1));
        bool there = i % chunks < CHUNKS_ROW;
        vec4 low = there ? pooled[at] : vec4(0);
        vec4 high = there ? pooled[at + 1] : vec4(0);
        uint to = head_tile() + i / chunks * KEY_STRIDE + i % chunks;
        pooled_tile[to] = uvec4(upper_halves(low), upper_halves(high));
        pooled_tile[to + POOLED_HALF] = uvec4(lower_halves(low), lower_halves(high));
    }
}

// Pooled queries pass through the key tile, as many subgroups at a time as have room in it. Rows past the group's end repeat
// its last.
void load_pooled(uint slot, uint first_row) {
    const uint room = min(KEYS / ROWS, SUBGROUPS);
    uint last = blocks_in_group() - 1;
    for (uint i = gl_SubgroupInvocationID; i < ROWS; i += LANES) {
        uint row = gl_SubgroupID * ROWS + i;
        row_limits[row / 4][row % 4] = anchors[slot * blocks_in_group() + min(first_row + i, last)] - theta_log2;
    }
    if (LEAN != 0) {
        barrier(); // the tile before has been scored
        share_pooled(slot, first_row);
        barrier();
    }
    // In straight code where all fit at once: matrices that are loaded under a condition are carried along element by element.
    [[unroll]] for (uint first = 0; LEAN == 0 && first < SUBGROUPS; first += room) {
        uint tile = (gl_SubgroupID - first) * ROWS * KEY_STRIDE;
        bool now = room == SUBGROUPS || gl_SubgroupID >= first && gl_SubgroupID < first + room;
        [[unroll]] for (uint part = 0; part < 2; part++) {
            barrier();
            for (uint i = gl_SubgroupInvocationID; now && i < ROWS * CHUNKS_ROW; i += LANES) {
                uint block = slot * blocks_in_group() + min(first_row + i / CHUNKS_ROW, last);
                vec4 low = pooled[2 * (block * CHUNKS_ROW + i % CHUNKS_ROW)];
                vec4 high = pooled[2 * (block * CHUNKS_ROW + i % CHUNKS_ROW) + 1];
                key_tile[tile + i / CHUNKS_ROW * KEY_STRIDE + i % CHUNKS_ROW] =
                    part == 0 ? uvec4(upper_halves(low), upper_halves(high)) : uvec4(lower_halves(low), lower_halves(high));
            }
            barrier();
            if (!now) continue;
            [[unroll]] for (uint m = 0; m < ROW_PARTS; m++) {
                [[unroll]] for (uint c = 0; c < DIM_STEPS; c++) {
                    MATRIX_A rows;
                    coopMatLoad(rows, key_tile, tile + m * MAT_M * KEY_STRIDE + c * MAT_K / 8, KEY_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                    if (part == 0) upper[m * DIM_STEPS + c] = rows;
                    else lower[m * DIM_STEPS + c] = rows;
                }
            }
        }
    }
    [[unroll]] for (uint m = 0; m < ROW_PARTS; m++)
        coopMatLoad(limit[m], row_limits, (gl_SubgroupID * ROWS + m * MAT_M) / 4, 0, gl_CooperativeMatrixLayoutColumnMajor);
}
