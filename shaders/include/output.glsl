// Normalised rows as O (fp16), eight halves at a time, and where wanted the natural log-sum-exp (fp32).
layout(binding = OUT_BINDING, std430) writeonly buffer OutputBuffer { uvec4 outputs[]; };
layout(binding = LSE_BINDING, std430) writeonly buffer LseBuffer { float lse[]; };
#if defined(IN_REGISTERS)
#include "registers_output.glsl"
#elif defined(IN_SHARED)
#include "shared_output.glsl"
#else
#include "scalar_output.glsl"
#endif
