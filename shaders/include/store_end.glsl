// Rows from position STORE_END on are left to the dense tail. Kernels that pool nothing have it in the place of block_rows, and those
// that attend ranges of keys in the place of the sink (attention/ranges.go).
#ifdef KEY_RANGE
#define STORE_END sink
#else
#define STORE_END block_rows
#endif
