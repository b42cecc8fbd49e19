#version 450
#extension GL_KHR_shader_subgroup_basic : require
// Each workgroup writes the subgroup size it was granted and its number of subgroups.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Out { uint a[]; } dst;

void main() {
	if (gl_LocalInvocationIndex == 0) {
		dst.a[2 * gl_WorkGroupID.x] = gl_SubgroupSize;
		dst.a[2 * gl_WorkGroupID.x + 1] = gl_NumSubgroups;
	}
}
