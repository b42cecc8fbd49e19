// How the matrices of tier coop2 lie, one of two ways that compute the same:
//
//   QUERY_ROWS: S = Q K^T, O = P V     a query is a row, values are staged as they come
//   else:       S = K Q^T, O = V^T P   a query is a column, values are staged transposed
//
// The scores' matrix becomes the weights' matrix of the second product in the same invocations where the device's accumulators
// lie like its left-hand matrices (NVIDIA: rows) or like its right-hand ones (AMD: columns lie in two lanes, on RDNA4 in just that
// order, and rows would cross sixteen).
#ifdef QUERY_ROWS
#define VALUES_BY_KEY
const uint QUERY_SIZE = MAT_M; // queries, keys and dimensions of a matrix
const uint KEY_SIZE = MAT_N;   // as MAT_K: what a product gives, the next one takes
const uint DIM_SIZE = MAT_N;
#define QUERY_MATRIX coopmat<float16_t, gl_ScopeSubgroup, QUERY_SIZE, DIM_SIZE, gl_MatrixUseA>
#define KEY_MATRIX coopmat<float16_t, gl_ScopeSubgroup, DIM_SIZE, KEY_SIZE, gl_MatrixUseB>
#define VALUE_MATRIX coopmat<float16_t, gl_ScopeSubgroup, KEY_SIZE, DIM_SIZE, gl_MatrixUseB>
#define WEIGHT_MATRIX coopmat<float16_t, gl_ScopeSubgroup, QUERY_SIZE, KEY_SIZE, gl_MatrixUseA>
#define SUM coopmat<float, gl_ScopeSubgroup, QUERY_SIZE, KEY_SIZE, gl_MatrixUseAccumulator>
#define HALF_SUM coopmat<float16_t, gl_ScopeSubgroup, QUERY_SIZE, KEY_SIZE, gl_MatrixUseAccumulator>
#define QUERY_LAYOUT gl_CooperativeMatrixLayoutRowMajor
#define KEY_LAYOUT gl_CooperativeMatrixLayoutColumnMajor
#define MULTIPLY(of_queries, of_keys, sum) coopMatMulAdd(of_queries, of_keys, sum)
#define REDUCE_KEYS gl_CooperativeMatrixReduceRowNV
#define ELEMENT const in uint query, const in uint key // the parameters of element functions
#else
const uint QUERY_SIZE = MAT_N;
const uint KEY_SIZE = MAT_M;
const uint DIM_SIZE = MAT_M;
#define QUERY_MATRIX coopmat<float16_t, gl_ScopeSubgroup, DIM_SIZE, QUERY_SIZE, gl_MatrixUseB>
#define KEY_MATRIX coopmat<float16_t, gl_ScopeSubgroup, KEY_SIZE, DIM_SIZE, gl_MatrixUseA>
#define VALUE_MATRIX coopmat<float16_t, gl_ScopeSubgroup, DIM_SIZE, KEY_SIZE, gl_MatrixUseA>
#define WEIGHT_MATRIX coopmat<float16_t, gl_ScopeSubgroup, KEY_SIZE, QUERY_SIZE, gl_MatrixUseB>
#define SUM coopmat<float, gl_ScopeSubgroup, KEY_SIZE, QUERY_SIZE, gl_MatrixUseAccumulator>
#define HALF_SUM coopmat<float16_t, gl_ScopeSubgroup, KEY_SIZE, QUERY_SIZE, gl_MatrixUseAccumulator>
#define QUERY_LAYOUT gl_CooperativeMatrixLayoutColumnMajor
#define KEY_LAYOUT gl_CooperativeMatrixLayoutRowMajor
#define MULTIPLY(of_queries, of_keys, sum) coopMatMulAdd(of_keys, of_queries, sum)
#define REDUCE_KEYS gl_CooperativeMatrixReduceColumnNV
#define ELEMENT const in uint key, const in uint query
#endif
const uint QUERY_PARTS = ROWS / QUERY_SIZE;
const uint KEYS_PARTS = KEYS / KEY_SIZE;
const uint DIM_TILES = DIM_PADDED / DIM_SIZE;
