#!/bin/sh
# Mesa 22.3.6 (Debian 12, lavapipe on LLVM 15.0.6): an invocation gets 65,535
# rounds for all its loops together. What is left of the loop is skipped without
# an error, and each later loop ends after its first round, however short it is.
# Mesa 25.0.7 (Debian 13) runs all rounds.
#
# Seen, for loops of 70,000, 70,000 and 300 x 300 rounds in one invocation:
#   Mesa 22.3.6: 65535 1 1
#   Mesa 25.0.7: 70000 70000 90000
# and with 60,000, 10,000 and 30 x 30 rounds, each far below the limit:
#   Mesa 22.3.6: 60000 5534 1
#   Mesa 25.0.7: 60000 10000 900
. "$(dirname "$0")/common.sh"

tools mesa-vulkan-drivers=25.0.7-2+deb13u1
packages old install bookworm mesa-vulkan-drivers=22.3.6-1+deb12u2 libllvm15=1:15.0.6-4+b1

compile loops <<'EOF'
#version 450
layout(local_size_x = 1) in;
layout(std430, binding = 0) buffer Data { uint rounds[4]; uint step; uint counted[3]; };
void main() {
    uint n = 0u;
    for (uint i = 0u; i < rounds[0]; i++) n += step;
    counted[0] = n;
    n = 0u;
    for (uint i = 0u; i < rounds[1]; i++) n += step;
    counted[1] = n;
    n = 0u;
    for (uint i = 0u; i < rounds[2]; i++)
        for (uint j = 0u; j < rounds[3]; j++) n += step;
    counted[2] = n;
}
EOF

counts() { # FOLDER ROUNDS...
	folder=$1
	shift
	# shellcheck disable=SC2046
	set -- $(compute "$folder" "$folder/usr/lib/*/libvulkan_lvp.so" loops 8 $(printf '%x ' "$@") 1)
	echo $((0x$6)) $((0x$7)) $((0x$8))
}

expect "Mesa 22.3.6, long loops" "$(counts old 70000 70000 300 300)" "65535 1 1"
expect "Mesa 25.0.7, long loops" "$(counts tools 70000 70000 300 300)" "70000 70000 90000"
expect "Mesa 22.3.6, short loops" "$(counts old 60000 10000 30 30)" "60000 5534 1"
expect "Mesa 25.0.7, short loops" "$(counts tools 60000 10000 30 30)" "60000 10000 900"
finish
