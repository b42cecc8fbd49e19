// Who has which rows of a tile, and their softmax state.

// A row's softmax belongs to ROW_LANES lanes of one subgroup; a lane has LANE_ROWS rows. The first members of a team have
// MEMBER_ROWS rows each, in which every lane has four scores or more; others may have none.
const uint FEWEST_ROWS = 4 * LANES / KEYS;
const uint MEMBER_ROWS = ROWS / SLICES > FEWEST_ROWS ? ROWS / SLICES : FEWEST_ROWS > 0 ? FEWEST_ROWS : 1;
const uint ROW_LANES = LANES > MEMBER_ROWS ? LANES / MEMBER_ROWS : 1;
const uint LANE_ROWS = LANES > MEMBER_ROWS ? 1 : MEMBER_ROWS / LANES;
const uint LANE_QUADS = KEYS / 4 / ROW_LANES; // vec4 of a row that a lane handles

// Scores are taken relative to row_base, which follows the row's maximum row_max only when that has grown by MAX_LEAD: weights
// then reach 2^MAX_LEAD, well within a half, and the accumulators are rescaled in few tiles instead of every third.
#ifdef HALF_SUMS
const float MAX_LEAD = 2; // VALUE_SHRINK counts on it
#else
const float MAX_LEAD = 8;
#endif
float row_max[LANE_ROWS];
float row_base[LANE_ROWS];
float row_sum[LANE_ROWS];
bool poisoned[LANE_ROWS];

uint member() { return SLICES > 1 ? gl_SubgroupID % SLICES : 0; }
uint team_row() { return gl_SubgroupID / SLICES * ROWS; }
bool weighs_rows() { return SLICES == 1 || member() * MEMBER_ROWS < ROWS; }
uint first_part() { return member() * DIM_PARTS; } // of the slice, counted in matrices
uint own_row(uint r) { return team_row() + member() * MEMBER_ROWS + r * LANES + gl_SubgroupInvocationID / ROW_LANES; }
uint own_part() { return gl_SubgroupInvocationID % ROW_LANES; }

void team_sync() {
    if (SLICES > 1) barrier();
    else subgroup_sync();
}

float max_of_row(float x) {
    [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) x = max(x, subgroupShuffleXor(x, d));
    return x;
}
float sum_of_row(float x) {
    [[unroll]] for (uint d = 1; d < ROW_LANES; d <<= 1) x += subgroupShuffleXor(x, d);
    return x;
}
