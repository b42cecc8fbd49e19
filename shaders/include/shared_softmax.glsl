// The online softmax of rows whose scores lie in score_tile: their weights go to weight_tile, and what rescales them to row_factor.

// Leaves out of a lane's scores the keys past the end of the sequence and those past the row's position.
void hide_keys(inout vec4 scores[LANE_QUADS], uint first, uint count, uint position) {
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++) {
        [[unroll]] for (uint e = 0; e < 4; e++) {
            uint i = first + (own_part() * LANE_QUADS + n) * 4 + e;
            if (i >= count || key_at(min(i, count - 1)) > position) scores[n][e] = MINUS_INFINITY;
        }
    }
}

// One row's online softmax step over the keys [first, first + KEYS) of the sequence, some of which are hidden if masked.
void weigh_row(uint r, uint first, uint count, bool masked, uint position) {
    uint row = own_row(r);
    vec4 scores[LANE_QUADS];
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++)
        scores[n] = uintBitsToFloat(score_tile[row * SCORE_STRIDE + own_part() * LANE_QUADS + n]) * scale_log2;
    if (masked) hide_keys(scores, first, count, position);

    // As integers, NaN and +inf are above all others with their sign; -inf is fine.
    int highest = 0;
    uint lowest = 0;
    float top = row_max[r];
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++) {
        [[unroll]] for (uint e = 0; e < 4; e++) {
            highest = max(highest, floatBitsToInt(scores[n][e]));
            lowest = max(lowest, floatBitsToUint(scores[n][e]));
            top = max(top, scores[n][e]);
        }
    }
    if (highest >= 0x7f800000 || lowest > 0xff800000u) {
        poisoned[r] = true;
        top = row_max[r];
        [[unroll]] for (uint n = 0; n < LANE_QUADS; n++)
            [[unroll]] for (uint e = 0; e < 4; e++)
                if (!is_nan(scores[n][e])) top = max(top, scores[n][e]);
    }
    top = max_of_row(top);
    float base = top > row_base[r] + MAX_LEAD ? top : row_base[r];
    float sum = 0;
    [[unroll]] for (uint n = 0; n < LANE_QUADS; n++) {
        vec4 weight = exp2(scores[n] - base);
        uvec2 packed = uvec2(packHalf2x16(weight.xy), packHalf2x16(weight.zw));
        vec4 rounded = vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
        sum += (rounded.x + rounded.y) + (rounded.z + rounded.w);
        weight_tile[row * WEIGHT_STRIDE + own_part() * LANE_QUADS + n] = packed;
    }
    float factor = exp2(row_base[r] - base);
    row_sum[r] = row_sum[r] * factor + sum_of_row(sum);
    row_max[r] = top;
    row_base[r] = base;
    row_factor[row] = factor;
}
