#!/bin/sh
# SwiftShader of chromium-common 150.0.7871.100 (Debian 12): tanh(x) is a NaN, not
# 1 or -1, where exp(|x|) is too large for a 32-bit float (from about 88.72 on). So
# soft capping of scores makes NaNs of the largest. Lavapipe (Mesa 25.0.7, Debian
# 13) gives 1 and -1.
#
# Seen:
#   x            88.7     88.8     -88.8    10000
#   SwiftShader: 3f800000 nan      nan      nan
#   Mesa 25.0.7: 3f800000 3f800000 bf800000 3f800000
. "$(dirname "$0")/common.sh"

tools mesa-vulkan-drivers=25.0.7-2+deb13u1
packages swiftshader download bookworm chromium-common=150.0.7871.100-1~deb12u1

compile tanh <<'EOF'
#version 450
layout(local_size_x = 4) in;
layout(std430, binding = 0) buffer Data { float data[4]; };
void main() { data[gl_LocalInvocationIndex] = tanh(data[gl_LocalInvocationIndex]); }
EOF

bounded() { compute tools "$1" tanh 4 42b16666 42b1999a c2b1999a 461c4000 | sed -E 's/[7f]f[c-f][0-9a-f]{5}/nan/g'; }

expect "SwiftShader" "$(bounded 'swiftshader/usr/lib/chromium/libvk_swiftshader.so')" "3f800000 nan nan nan"
expect "Mesa 25.0.7" "$(bounded 'tools/usr/lib/*/libvulkan_lvp.so')" "3f800000 3f800000 bf800000 3f800000"
finish
