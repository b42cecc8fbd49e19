#!/bin/sh
# glslc 2025.2 (Debian 13, glslang 15.1.0): expressions of constants are computed
# in double precision, through named constants too, and rounded to float once, at
# the end. So the keyword `const` alone changes the number that a shader stores:
# without it spirv-opt (2025.1) folds the same lines, step by step in float.
#
# Seen, compiled with -O, as the constants that the module stores:
#   16777216.0 + 1.0 - 16777216.0: 1 with const, 0 without
#   1e30 * 1e30 / 1e30:            1.00000002e+30 with const, 0x1p+128 (an infinity) without
. "$(dirname "$0")/common.sh"

tools

stored() { # QUALIFIER NUMBER EXPRESSION
	compile constant <<-EOF
		#version 450
		layout(local_size_x = 1) in;
		layout(std430, binding = 0) buffer Data { float stored; };
		void main() {
		    $1 float a = $2;
		    stored = $3;
		}
	EOF
	within tools "$work/tools/usr/bin/spirv-dis" --raw-id --no-color "$work/constant.spv" | awk '
		/OpConstant / { value[$1] = $NF }
		/OpStore/ { print value[$NF] }'
}

expect "with const, 2^24 + 1 - 2^24" "$(stored const 16777216.0 'a + 1.0 - a')" 1
expect "without const" "$(stored '' 16777216.0 'a + 1.0 - a')" 0
expect "with const, 1e30 x 1e30 / 1e30" "$(stored const 1e30 'a * a / a')" 1.00000002e+30
expect "without const" "$(stored '' 1e30 'a * a / a')" 0x1p+128
finish
