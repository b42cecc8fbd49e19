#!/bin/sh
# Mesa 25.0.7 (Debian 13, lavapipe): float(float16_t(x)) and
# unpackHalf2x16(packHalf2x16(...)) return x itself. Nothing is rounded, 65536
# stays finite, and float16_t(x) == x holds for every x, also where the module asks
# for SignedZeroInfNanPreserve. Mesa 22.3.6 (Debian 12) rounds.
#
# Seen, for x = 1/3 (3eaaaaab) and 65536 (47800000), each as float(float16_t(x)),
# through packHalf2x16, and whether float(float16_t(x)) == x:
#   Mesa 25.0.7: 3eaaaaab 3eaaaaab 1   47800000 47800000 1
#   Mesa 22.3.6: 3eaaa000 3eaaa000 0   7f800000 7f800000 0
. "$(dirname "$0")/common.sh"

tools mesa-vulkan-drivers=25.0.7-2+deb13u1
packages old install bookworm mesa-vulkan-drivers=22.3.6-1+deb12u2

compile rounding <<'EOF'
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_spirv_intrinsics : require
// SignedZeroInfNanPreserve for 32 and 16 bits.
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(capabilities = [4466], 4461, 16);
layout(local_size_x = 1) in;
layout(std430, binding = 0) buffer Data { float x, converted, packed; uint equal; };
void main() {
    converted = float(float16_t(x));
    packed = unpackHalf2x16(packHalf2x16(vec2(x, 0.0))).x;
    equal = uint(float(float16_t(x)) == x);
}
EOF

rounded() { # FOLDER HEX
	compute "$1" "$1/usr/lib/*/libvulkan_lvp.so" rounding 4 "$2" | cut -d' ' -f2- | sed 's/0000000//'
}

expect "Mesa 25.0.7, 1/3" "$(rounded tools 3eaaaaab)" "3eaaaaab 3eaaaaab 1"
expect "Mesa 25.0.7, 65536" "$(rounded tools 47800000)" "47800000 47800000 1"
expect "Mesa 22.3.6, 1/3" "$(rounded old 3eaaaaab)" "3eaaa000 3eaaa000 0"
expect "Mesa 22.3.6, 65536" "$(rounded old 47800000)" "7f800000 7f800000 0"
finish
