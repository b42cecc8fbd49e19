#version 450
// out[i] = scale * in[i] + push.add, with scale a specialization constant.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint scale = 1;
layout(set = 0, binding = 0) readonly buffer In { uint a[]; } src;
layout(set = 0, binding = 1) writeonly buffer Out { uint a[]; } dst;
layout(push_constant) uniform Push { uint n; uint add; } push;

void main() {
	uint i = gl_GlobalInvocationID.x;
	if (i < push.n) dst.a[i] = scale * src.a[i] + push.add;
}
