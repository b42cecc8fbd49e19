#!/bin/sh
# Mesa 26.1.6 (Debian 13's backports, lavapipe on subgroups of 8):
# coopMatReduceNV by row is wrong for matrices of more than 8 rows and more than 8
# columns, though the driver offers all multiples of 8. Rows 0 to 7 are right;
# row 8 q + r gets the sum of only columns 8 q to 8 q + 7, and those of row r.
# With 8 rows, or with 8 columns, all is right.
#
# Seen, for the element 1000 r + c in row r and column c: the sums of rows 0, 7, 8
# and 15 of a matrix of
#   16 x 8:  28 56028 64028 120028
#   16 x 16: 120 112120 92 56092       (should be 120 112120 128120 240120)
#   16 x 32: 496 224496 92 56092       (should be 496 224496 256496 480496)
. "$(dirname "$0")/common.sh"

tools
packages new install "trixie trixie-backports" mesa-vulkan-drivers=26.1.6-1~bpo13+1

export LP_NATIVE_VECTOR_WIDTH=256 # subgroups of 8, which its matrices need

sums() { # COLUMNS
	compile "reduce$1" <<-EOF
		#version 450
		#extension GL_KHR_memory_scope_semantics : require
		#extension GL_KHR_cooperative_matrix : require
		#extension GL_NV_cooperative_matrix2 : require
		layout(local_size_x = 8) in;
		layout(std430, binding = 0) buffer Data { uint sums[4]; float m[16 * $1], reduced[16 * $1]; };
		float add(const in float a, const in float b) { return a + b; }
		void main() {
		    for (uint i = gl_LocalInvocationIndex; i < 16 * $1; i += 8) m[i] = float(1000 * (i / $1) + i % $1);
		    barrier();
		    coopmat<float, gl_ScopeSubgroup, 16, $1, gl_MatrixUseAccumulator> a, b;
		    coopMatLoad(a, m, 0, $1, gl_CooperativeMatrixLayoutRowMajor);
		    coopMatReduceNV(b, a, gl_CooperativeMatrixReduceRowNV, add);
		    coopMatStore(b, reduced, 0, $1, gl_CooperativeMatrixLayoutRowMajor);
		    barrier();
		    uint i = gl_LocalInvocationIndex; // rows 0, 7, 8 and 15
		    if (i < 4) sums[i] = uint(reduced[(i % 2 * 7 + i / 2 * 8) * $1]);
		}
	EOF
	# shellcheck disable=SC2046
	set -- $(compute new 'new/usr/lib/*/libvulkan_lvp.so' "reduce$1" $((4 + 2 * 16 * $1)))
	echo $((0x$1)) $((0x$2)) $((0x$3)) $((0x$4))
}

expect "16 x 8" "$(sums 8)" "28 56028 64028 120028"
expect "16 x 16" "$(sums 16)" "120 112120 92 56092"
expect "16 x 32" "$(sums 32)" "496 224496 92 56092"
finish
