// Sums over the LANES invocations that share a query row. Without subgroup operations LANES is 1 (the plan sees to it).
// LANES never exceeds the smallest subgroup size, so the lanes of a row always lie in one subgroup.
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_shuffle : require
float sum_lanes(float x) {
    [[unroll]] for (uint distance = 1; distance < LANES; distance <<= 1) x += subgroupShuffleXor(x, distance);
    return x;
}
#else
float sum_lanes(float x) { return x; }
#endif
uint lane_in_row() { return gl_LocalInvocationIndex % LANES; }
uint first_tile_row() { return gl_LocalInvocationIndex / LANES * ROWS; }
// Chunk i of an invocation: neighbouring lanes hold neighbouring chunks, so a row is read in one sweep.
uint chunk_of(uint i) { return i * LANES + lane_in_row(); }
