// Specialization constants: the same ids in every kernel (attention/kernels.go names them for Go).
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = 0) const uint LOCAL_X = 64;  // invocations a workgroup
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LANES = 1;     // invocations that share one query row; a power of two that divides CHUNKS_ROW
layout(constant_id = 2) const uint ROWS = 2;      // query rows an invocation
layout(constant_id = 3) const uint KEYS = 4;      // keys scored together; a power of two, at most 32
layout(constant_id = 4) const uint CHUNKS_ROW = 16;  // head_dim / 8: chunks of eight halves (16 bytes) in a row

const uint CHUNKS = CHUNKS_ROW / LANES;        // chunks of each row that one invocation holds
const uint TILE_ROWS = LOCAL_X / LANES * ROWS; // query rows a workgroup
#include "numbers.glsl"
