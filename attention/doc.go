// Package attention computes AnchorAttention, a training-free sparse attention
// for prefill, on any GPU that Vulkan drives. Package oracle defines it, in
// float64 on the CPU.
//
// AnchorAttention ("AnchorAttention: Difference-Aware Sparse Attention with
// Stripe Granularity", arXiv 2505.23520) lets every query row attend the first
// keys (the sink) and the keys just before it (the window), takes the largest
// of those scores as the row's anchor, and keeps of all other keys only the
// columns (stripes) whose score comes within Theta of the anchor. Rows are
// compared in blocks and a group of blocks shares its stripes. The result is
// exact softmax attention over the keys that are kept. oracle.Oracle has the
// definition in full, with a drawing of the causal matrix.
//
// Real models need more than that, and [Params] has it: Tail rows at the end
// that attend every key, a [Guard] that keeps all candidates of the groups whose
// rows look at single keys, and Heads with a mode or theta of their own. [Preset]
// "safe" has a tail and a guard.
//
// It serves prefill, where many rows share their stripes. For decoding, row by
// row, use [ModeDense].
//
// # The way of the data
//
//	Tensor ─> Plan ─> Call ─> Stats
//
// A [Tensor] views F16 data in host memory or in a device buffer, as
// [batch, heads, positions, head_dim] with any strides. A Plan is made without
// a GPU: it checks the shapes against the device's limits, predicts the cost,
// chooses dense or sparse, the tier of kernels, tile sizes, slices of work and
// the scratch size, and can be printed. An Engine owns pipelines and scratch on
// one device and binds plans to tensors, which is a [Call]: its run records the
// passes, submits them in slices of bounded time, and returns Stats with GPU
// times, the share of the causal matrix computed, and why dense ran if it did. The
// same plan on the same device gives the same bits every time.
//
// [Call.Run] waits for the result, [Call.Start] does so on a goroutine of its own.
// [Call.Submit] returns at once and signals a semaphore of the caller's.
// [Call.Record] writes into command buffers of the caller's. All give the same
// bits; docs/embedding.md compares them.
//
// Arguments are checked first. An [*ArgumentError] says which one is wrong,
// why, and what to try; no work has been done then.
//
// # Measures
//
// computed_ratio, sparsity and stripe_ratio of a run are in [Stats]. What it
// loses against full attention is measured with package oracle: recall_mass by
// oracle.Oracle.RecallMass, rel_l2, max_abs and recall_close by oracle.RelL2,
// oracle.MaxAbs and oracle.RecallClose. oracle.HalfReference is the plain
// fp16 implementation whose error a kernel may at most double.
//
// # Environment
//
// Nothing here reads the environment except [PlanOptionsFromEnv]:
//
//	ANCHORVK_TIER      the tier of kernels to use, instead of the best that
//	                   the device passes
//	ANCHORVK_SLICE_MS  the longest that one submission should keep the GPU, in
//	                   milliseconds (default 100); results do not depend on it
//	ANCHORVK_TUNING    choices that go before the tuning table's, such as
//	                   rows=2,keys=4; see PlanOptions.Tuning
//
// Package vk documents the variables that choose and restrict the device.
package attention
