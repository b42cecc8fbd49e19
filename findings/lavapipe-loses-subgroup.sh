#!/bin/sh
# Mesa 25.0.7 (Debian 13, lavapipe on LLVM 19.1.7): a subgroupBarrier() counts as
# a barrier of the whole workgroup. Where one subgroup meets more of them than
# another, which Vulkan allows, it is left behind: the dispatch ends when the
# other subgroup does, the rest of the first one never runs, its stores are lost,
# and no error says so. Mesa 22.3.6 (Debian 12) runs it to its end.
#
# Seen: two subgroups of 4. The first one sets a shared counter to 1, 2, 3, 4 with
# a subgroupBarrier() after each; both then meet barrier() and store the counter.
#   Mesa 25.0.7: 0 0 0 0 2 2 2 2
#   Mesa 22.3.6: 4 4 4 4 4 4 4 4
. "$(dirname "$0")/common.sh"

tools mesa-vulkan-drivers=25.0.7-2+deb13u1 libllvm19=1:19.1.7-3+b1
packages old install bookworm mesa-vulkan-drivers=22.3.6-1+deb12u2

compile barriers <<'EOF'
#version 450
#extension GL_KHR_shader_subgroup_basic : require
layout(local_size_x = 8) in;
layout(std430, binding = 0) buffer Data { uint seen[8]; };
shared uint counter;
void main() {
    if (gl_LocalInvocationIndex == 0u) counter = 0u;
    barrier();
    if (gl_SubgroupID == 0u) {
        for (uint i = 1u; i <= 4u; i++) {
            if (subgroupElect()) counter = i;
            subgroupBarrier();
        }
    }
    barrier();
    seen[gl_LocalInvocationIndex] = counter;
}
EOF

export LP_NATIVE_VECTOR_WIDTH=128 # subgroups of 4 on every processor
counters() { compute "$1" "$1/usr/lib/*/libvulkan_lvp.so" barriers 8 | sed 's/0000000//g'; }

expect "Mesa 25.0.7" "$(counters tools)" "0 0 0 0 2 2 2 2"
expect "Mesa 22.3.6" "$(counters old)" "4 4 4 4 4 4 4 4"
finish
