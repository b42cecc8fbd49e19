// What an attention kernel declares first. It comes in three families, of which the manifest chooses one by a define:
//
//   (none)         scalar: LANES invocations hold rows, and multiply by themselves
//   IN_SHARED      on matrices, with the softmax in shared memory
//   IN_REGISTERS   on matrices, with the softmax in registers
//
// The kernel then says which keys it attends, and includes attend.glsl.
#if defined(IN_SHARED) || defined(IN_REGISTERS)
#include "matrix_spec.glsl"
#else
#include "spec.glsl"
#endif
#include "push.glsl"
#include "key_range.glsl"
