// Rows from position STORE_END on are left to the dense tail. Kernels that pool nothing have it in the place of block_rows
// (attention/passes.go).
#define STORE_END block_rows
