#version 450
// Keeps the device busy: a chain of multiplications that cannot be shortened.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint a[]; } data;
layout(push_constant) uniform Push { uint rounds; } push;

void main() {
	uint i = gl_GlobalInvocationID.x;
	uint x = data.a[i] | 1u;
	for (uint k = 0; k < push.rounds; k++) x = x * 1664525u + 1013904223u + (x >> 7);
	data.a[i] = x;
}
