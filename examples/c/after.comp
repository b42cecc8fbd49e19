// The host's own pass after attention: widens the output to fp32, negated.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint pairs; };
layout(set = 0, binding = 0) readonly buffer In { uint halves[]; };
layout(set = 0, binding = 1) writeonly buffer Out { vec2 y[]; };

void main() {
	uint i = gl_GlobalInvocationID.x;
	if (i < pairs) y[i] = -unpackHalf2x16(halves[i]);
}
