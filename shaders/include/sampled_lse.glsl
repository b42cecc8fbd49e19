// The log-sum-exp (log2 units) of a sampled row: of its anchor keys, from the anchor kernel, and of the candidates, over their runs
// in order. NO_ROW for a row without a finite one, whose probabilities then all are 0. ANCHORS_BINDING comes from the kernel.
// Needs: guard.glsl and sampled_sums.glsl.
layout(binding = ANCHORS_BINDING, std430) readonly buffer AnchorSumsBuffer { vec2 anchor_sums[]; }; // [slot][row]: (maximum, sum), as state.glsl has them

float sampled_lse(uint slot, Unit unit, uint row, uint position) {
    float top = LOWEST, sum = 0;
    for (uint run = 0; run * RUN_KEYS < sum_steps(unit); run++) {
        vec2 part = sampled_sums[sampled_at(slot, run, row)];
        float higher = max(top, part.x);
        sum = sum * exp2(top - higher) + part.y * exp2(part.x - higher);
        top = higher;
    }
    vec2 anchors = anchor_sums[slot * group_rows + position - unit.group_start];
    if (is_nan(anchors.y)) return NO_ROW;
    float higher = max(top, anchors.x);
    sum = sum * float(PART) * exp2(top - higher) + abs(anchors.y) * exp2(anchors.x - higher);
    return higher >= NEVER || !(sum > 0) ? NO_ROW : higher + log2(sum);
}
