#!/bin/sh
# SwiftShader of chromium-common 150.0.7871.100 (Debian 12): packHalf2x16 makes a
# NaN, not an infinity, of most numbers that no half can hold and of infinities
# themselves, also where the module asks for SignedZeroInfNanPreserve, which the
# driver offers. From about 2^64 on, a first component also spills into the second
# one: infinity beside 1.0 turns that 1.0 into 1.002. Lavapipe (Mesa 25.0.7,
# Debian 13) makes infinities.
#
# Seen, for packHalf2x16(vec2(x, 1.0)), where the upper half should be 3c00:
#   x            65519    65520    70000    1e6      3e38     inf      -inf
#   SwiftShader: 3c007bff 3c007c00 3c007c46 3c00ffff 3c027fff 3c027fff 3c02ffff
#   Mesa 25.0.7: 3c007bff 3c007c00 3c007c00 3c007c00 3c007c00 3c007c00 3c00fc00
. "$(dirname "$0")/common.sh"

tools mesa-vulkan-drivers=25.0.7-2+deb13u1
packages swiftshader download bookworm chromium-common=150.0.7871.100-1~deb12u1

compile halves <<'EOF'
#version 450
#extension GL_EXT_spirv_intrinsics : require
// SignedZeroInfNanPreserve for 32 bits.
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 7) in;
layout(std430, binding = 0) buffer Data { uint data[7]; };
void main() {
    uint i = gl_LocalInvocationIndex;
    data[i] = packHalf2x16(vec2(uintBitsToFloat(data[i]), 1.0));
}
EOF

packed() { compute tools "$1" halves 7 477fef00 477ff000 4788b800 49742400 7f61b1e6 7f800000 ff800000; }

expect "SwiftShader" "$(packed 'swiftshader/usr/lib/chromium/libvk_swiftshader.so')" \
	"3c007bff 3c007c00 3c007c46 3c00ffff 3c027fff 3c027fff 3c02ffff"
expect "Mesa 25.0.7" "$(packed 'tools/usr/lib/*/libvulkan_lvp.so')" \
	"3c007bff 3c007c00 3c007c00 3c007c00 3c007c00 3c007c00 3c00fc00"
finish
