// The log-sum-exp (log2 units) of a sampled row over all runs that it sees, in their order. NO_ROW for a row
// without a finite one, whose probabilities then all are 0. Needs: guard.glsl and sampled_sums.glsl.
float sampled_lse(uint slot, uint row, uint position) {
    float top = LOWEST, sum = 0;
    for (uint run = 0; run * RUN_KEYS <= position; run++) {
        vec2 part = sampled_sums[sampled_at(slot, run, row)];
        float higher = max(top, part.x);
        sum = sum * exp2(top - higher) + part.y * exp2(part.x - higher);
        top = higher;
    }
    return top >= NEVER || !(sum > 0) ? NO_ROW : top + log2(sum);
}
