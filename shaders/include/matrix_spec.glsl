// Specialization constants of the matrix kernels; ids 0 to 4 mean what they mean in spec.glsl.
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_shuffle : require
layout(constant_id = 0) const uint LOCAL_X = 128;    // invocations a workgroup
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LANES = 32;       // the subgroup size
layout(constant_id = 2) const uint ROWS = 16;        // query rows a subgroup, a multiple of MAT_M, at most LANES * 4
layout(constant_id = 3) const uint KEYS = 32;        // keys staged at a time, a multiple of MAT_N and MAT_K
layout(constant_id = 4) const uint CHUNKS_ROW = 16;  // head_dim / 8
layout(constant_id = 5) const uint MAT_M = 16;       // the device's product: MAT_M x MAT_K times MAT_K x MAT_N
layout(constant_id = 6) const uint MAT_N = 16;
layout(constant_id = 7) const uint MAT_K = 16;
layout(constant_id = 8) const uint SLICES = 1;       // subgroups of a team: they own the same rows, each with a slice of head_dim

const uint TILE_ROWS = LOCAL_X / LANES / SLICES * ROWS; // query rows a workgroup
const uint DIM = CHUNKS_ROW * 8;
const uint DIM_PADDED = (DIM + 15) / 16 * 16;         // a multiple of every MAT_N and MAT_K; the padding is zero
const uint ROW_PARTS = ROWS / MAT_M;
const uint KEY_PARTS = KEYS / MAT_N;
const uint ALL_DIM_PARTS = DIM_PADDED / MAT_N;
const uint DIM_PARTS = (ALL_DIM_PARTS + SLICES - 1) / SLICES; // of a slice; the last one may have fewer

#define MATRIX_A coopmat<float16_t, gl_ScopeSubgroup, MAT_M, MAT_K, gl_MatrixUseA>
#define MATRIX_B coopmat<float16_t, gl_ScopeSubgroup, MAT_K, MAT_N, gl_MatrixUseB>
#define MATRIX_C coopmat<float, gl_ScopeSubgroup, MAT_M, MAT_N, gl_MatrixUseAccumulator>
#define MATRIX_H coopmat<float16_t, gl_ScopeSubgroup, MAT_M, MAT_N, gl_MatrixUseAccumulator>

#include "numbers.glsl"
#include "is_nan.glsl"

void subgroup_sync() {
    subgroupMemoryBarrierShared();
    subgroupBarrier();
}
