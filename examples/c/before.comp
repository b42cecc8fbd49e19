// The host's own pass before attention: rounds pairs of fp32 values to F16.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint pairs; };
layout(set = 0, binding = 0) readonly buffer In { vec2 x[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint halves[]; };

void main() {
	uint i = gl_GlobalInvocationID.x;
	if (i < pairs) halves[i] = packHalf2x16(x[i]);
}
