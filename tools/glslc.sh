#!/bin/sh
# Compiles the shader modules of shaders/manifest.json into shaders/spv, and the
# *.comp of vk/testdata and examples/c beside their sources, with the pinned compiler (glslc
# of Debian 13, see tools/sysroot.sh).
#
#   tools/glslc.sh          # compile; replaces the SPIR-V only if all is well
#   tools/glslc.sh --check  # compile elsewhere and compare with the committed files
#
# The manifest: {"modules": [{"name": "dense_uint_sg", "source": "dense.comp",
# "defines": ["KV_UINT", "SUBGROUP"], "target": "vulkan1.1", "optimize": true}]}.
# Target and optimize are these where they are left out; a define may have a
# value, as NAME=VALUE. The defines of the kernels that attend:
#
#   IN_SHARED, IN_REGISTERS          the family: on matrices, with the softmax
#                                    there; without either, scalar
#   KV_UINT, KV_HALF, KV_ADDRESS     scalar: how K and V are read, one of these
#   SUBGROUP                         scalar: invocations may share a row
#   HALF_MATH                        scalar: products in fp16
#   KEY_RANGE                        scalar: a range of keys a dispatch
#   HALF_SUMS                        in shared memory: sums in fp16 over a tile
#   QUERY_ROWS                       in registers: queries are rows of matrices
#   KHR_ONLY                         in registers: without
#                                    VK_NV_cooperative_matrix2
#
# A module fails if glslc writes anything to stderr or spirv-val refuses it.
# Where the sysroot cannot be had, --check says so and passes, but fails when CI
# is set.
set -eu

tools=$(cd "$(dirname "$0")" && pwd)
spv=shaders/spv
others="vk/testdata examples/c"

die() { printf 'glslc: %s\n' "$*" >&2; exit 1; }

# Everything from the sysroot runs under its own C library.
in_sysroot() {
	command=$1
	shift
	"$GLSLC_LD" --library-path "${GLSLC_LD%/*}" "$GLSLC_ROOT/usr/bin/$command" "$@"
}

# One line of the plan: the module's path without .spv, its source, target,
# optimize, then the defines.
compile_one() {
	IFS=$(printf '\t')
	# The fields are split on purpose, and hold no pattern characters.
	# shellcheck disable=SC2086
	set -f -- $1
	unset IFS
	module=$1 source=$2 target=$3 optimize=$4
	shift 4
	for define; do
		shift
		set -- "$@" "-D$define"
	done
	if [ "$optimize" = true ]; then set -- -O "$@"; fi
	out=$GLSLC_OUT/$module.spv
	log=$GLSLC_OUT/$module.log
	status=0
	in_sysroot glslc --target-env="$target" -fshader-stage=compute -I shaders/include "$@" \
		-o "$out" "$source" 2>"$log" || status=$?
	if [ $status -eq 0 ] && [ ! -s "$log" ]; then
		in_sysroot spirv-val --target-env "$target" "$out" >"$log" 2>&1 || status=$?
	fi
	if [ $status -ne 0 ] || [ -s "$log" ]; then
		{
			echo "glslc: module $module ($source $*):"
			cat "$log"
		} >&2
		return 1
	fi
	rm "$log"
}

if [ "${1-}" = --one ]; then
	compile_one "$2"
	exit
fi

check=no
case ${1-} in
'') ;;
--check) check=yes ;;
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
*) die "unknown argument '$1' (see --help)" ;;
esac

cd "$tools/.."
[ -r shaders/manifest.json ] || die "no shaders/manifest.json"

if ! GLSLC_ROOT=$("$tools/sysroot.sh" trixie); then
	[ $check = yes ] || die "the pinned compiler cannot be had here (reason above)"
	[ -z "${CI:-}" ] || die "the pinned compiler cannot be had here (reason above), and CI must compare the shaders"
	echo "glslc: SKIPPED the comparison of the SPIR-V: the pinned compiler cannot be had here (reason above)" >&2
	exit 0
fi
GLSLC_LD=$(echo "$GLSLC_ROOT"/usr/lib/*-linux-gnu*/ld-linux-*.so.*)
if [ $check = yes ]; then
	GLSLC_OUT=$(mktemp -d)
else
	GLSLC_OUT=$(mktemp -d "$PWD/shaders/.spv.XXXXXX") # same file system: mv is atomic
fi
export GLSLC_ROOT GLSLC_LD GLSLC_OUT
trap 'rm -rf "$GLSLC_OUT"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$GLSLC_OUT/$spv" "$spv"
for folder in $others; do mkdir -p "$GLSLC_OUT/$folder"; done

plan=$(in_sysroot jq -r --arg spv $spv '
	def need($c; $m): if $c then . else error($m) end;
	.modules
	| need((map(.name) | unique | length) == length; "two modules have the same name")
	| .[]
	| need((.name // "") | test("^[a-z0-9_]+$"); "bad module name \(.name)")
	| need((.source // "") | test("^[a-z0-9_]+\\.comp$"); "\(.name): bad source \(.source)")
	| need((.target // "vulkan1.1") | test("^vulkan1\\.[0-4]$"); "\(.name): bad target \(.target)")
	| need((.defines // []) | all(test("^[A-Za-z_][A-Za-z0-9_]*(=[A-Za-z0-9_.+-]+)?$")); "\(.name): bad defines \(.defines)")
	| ["\($spv)/\(.name)", "shaders/\(.source)", .target // "vulkan1.1", (.optimize != false | tostring)] + (.defines // [])
	| @tsv' shaders/manifest.json) || die "shaders/manifest.json is not as it should be (reason above)"
[ -n "$plan" ] || die "shaders/manifest.json names no modules"

in_others() { # a pattern
	# Folders and pattern are split and expanded on purpose.
	# shellcheck disable=SC2086
	for folder in $others; do ls $folder/$1 2>/dev/null || true; done
}
plan=$plan$(for source in $(in_others '*.comp'); do
	printf '\n%s\t%s\tvulkan1.1\ttrue' "${source%.comp}" "$source"
done)

# Each job prints its own complaint; xargs tells whether there was one.
printf '%s\n' "$plan" | xargs -d '\n' -n 1 -P 2 "$tools/glslc.sh" --one ||
	die "not every module compiled: the SPIR-V is as it was"

modules=$(printf '%s\n' "$plan" | cut -f1)
stale=$(for file in $spv/*.spv $(in_others '*.spv'); do
	[ -e "$file" ] || continue
	printf '%s\n' "$modules" | grep -qx "${file%.spv}" || echo "$file"
done)
differ=$(for module in $modules; do
	cmp -s "$GLSLC_OUT/$module.spv" "$module.spv" || echo "$module"
done)

if [ $check = yes ]; then
	for module in $differ; do
		if [ -e "$module.spv" ]; then echo "glslc: $module.spv differs from its source" >&2; else echo "glslc: $module.spv is missing" >&2; fi
	done
	for file in $stale; do echo "glslc: $file has no source" >&2; done
	[ -z "$differ$stale" ] || die "run 'make shaders' and commit $spv and the .spv of $others"
	echo "glslc: $(echo "$modules" | wc -l) modules are as compiled" >&2
	exit 0
fi

for module in $differ; do
	mv "$GLSLC_OUT/$module.spv" "$module.spv"
	echo "glslc: wrote $module.spv" >&2
done
for file in $stale; do
	rm "$file"
	echo "glslc: removed $file, which has no source" >&2
done
# shellcheck disable=SC2086
echo "glslc: $(echo "$modules" | wc -l) modules compiled, $(echo $differ | wc -w) changed" >&2
