#!/bin/sh
# Runs a program on one of five Vulkan devices that need no GPU, or on a stub
# device that only compiles: the compiler of a GPU that is not there.
#
#   tools/with-device.sh [--validate core|sync] NAME PROGRAM [ARGUMENT...]
#   tools/with-device.sh --prepare NAME   # build what it needs, run nothing
#   tools/with-device.sh --list           # the five
#   tools/with-device.sh --list-stubs     # those that only compile
#
#   tools/with-device.sh lavapipe-256 bin/anchorvk verify
#   tools/with-device.sh swiftshader vulkaninfo --summary
#   go test -exec "$PWD/tools/with-device.sh lavapipe-128" ./vk
#
# PROGRAM is an ELF file built on this machine, or a name looked up in the
# device's sysroot and then in PATH. It runs under the sysroot's ld.so and C
# library, so it must not need a newer glibc than the device's Debian has.
# A sysroot that is missing is built first (tools/sysroot.sh).
#
# /proc/self/exe is ld.so then. A program that starts itself again must use
# os.Args[0] behind the words of ANCHORVK_TEST_EXEC, which this script sets.
#
# --validate loads the Khronos validation layer: core checks, or synchronization
# checks alone. Its messages appear on stderr; if there is any, a program that
# ended well ends with status 86 instead.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
devices='lavapipe-floor    Mesa of Debian 12: Vulkan 1.3, subgroup 8, 128 MiB bindings
lavapipe-128      Mesa of Debian testing, subgroup 4
lavapipe-256      Mesa of Debian testing, subgroup 8, cooperative matrices
lavapipe-512      Mesa of Debian testing, subgroup 16
swiftshader       Chromium'"'"'s software device: no fp16, no 16-bit storage'
stubs='amd-vega10        GCN 5 (Mesa of Debian testing, as all of these)
amd-navi10        RDNA 1
amd-navi21        RDNA 2
amd-navi31        RDNA 3, with VK_NV_cooperative_matrix2, which is off by default
amd-navi33        RDNA 3 with fewer registers, the same
amd-gfx1201       RDNA 4, the same
nvk-turing        NVIDIA Turing, open driver
nvk-ampere        NVIDIA Ampere, open driver
intel-tgl         Xe LP (Tiger Lake)
intel-dg2         Xe HPG (Arc A770): cooperative matrices
intel-mtl         Xe LPG (Meteor Lake)
intel-lnl         Xe2 (Lunar Lake): cooperative matrices
intel-bmg         Xe2 (Arc B580): cooperative matrices
intel-ptl         Xe3 (Panther Lake): cooperative matrices'

die() { printf 'with-device: %s\n' "$*" >&2; exit 2; }

validate=
prepare=no
while [ $# -gt 0 ]; do
	case $1 in
	--list) echo "$devices"; exit 0 ;;
	--list-stubs) echo "$stubs"; exit 0 ;;
	-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	--validate)
		case ${2-} in core | sync) validate=$2 ;; *) die "--validate takes core or sync, not '${2-}'" ;; esac
		shift
		;;
	--prepare) prepare=yes ;;
	-*) die "unknown option '$1' (see --help)" ;;
	*) break ;;
	esac
	shift
done
if [ $prepare = yes ] && [ $# -eq 1 ]; then set -- "$1" none; fi
[ $# -ge 2 ] || die "usage: tools/with-device.sh [--validate core|sync] NAME PROGRAM [ARGUMENT...]; --list names the devices"
device=$1
program=$2
shift 2

names=$(printf '%s\n' "$devices" "$stubs" | cut -d' ' -f1)
echo "$names" | grep -qxF -- "$device" || die "no device '$device': use one of $(echo "$names" | paste -sd' ')"

unset LP_NATIVE_VECTOR_WIDTH
preload=
case $device in
lavapipe-floor) runtime=bookworm icd=lvp_icd ;;
lavapipe-128 | lavapipe-256 | lavapipe-512)
	runtime=testing icd=lvp_icd
	export LP_NATIVE_VECTOR_WIDTH="${device#lavapipe-}"
	;;
swiftshader) runtime=testing icd=vk_swiftshader_icd ;;
amd-*)
	runtime=testing icd=radeon_icd preload=libamdgpu_noop_drm_shim.so
	export AMDGPU_GPU_ID="${device#amd-}" radv_cooperative_matrix2_nv=true
	;;
nvk-turing | nvk-ampere)
	runtime=testing icd=nouveau_icd preload=libnouveau_noop_drm_shim.so
	case $device in *turing) NOUVEAU_CHIPSET=164 ;; *) NOUVEAU_CHIPSET=174 ;; esac
	export NOUVEAU_CHIPSET
	;;
intel-*)
	# PCI id and execution units of a subslice.
	runtime=testing icd=intel_icd preload=fake_i915
	case $device in
	*tgl) FAKE_I915=9a49:16 ;;
	*dg2) FAKE_I915=56a0:16 ;;
	*mtl) FAKE_I915=7d55:16 ;;
	*lnl) FAKE_I915=64a0:8 ;;
	*bmg) FAKE_I915=e20b:8 ;;
	*ptl) FAKE_I915=b080:8 ;;
	esac
	export FAKE_I915
	;;
esac

root=$("$here/sysroot.sh" $runtime)
icd_root=$root
if [ "$device" = swiftshader ]; then icd_root=$("$here/sysroot.sh" swiftshader); fi
ld=$(echo "$root"/usr/lib/*-linux-gnu*/ld-linux-*.so.*)
[ -x "$ld" ] || die "no ld.so in $root: rebuild it with tools/sysroot.sh --refresh $runtime"
# Builds the library that stands for Intel's kernel driver, and names it.
fake_i915() {
	headers=$("$here/sysroot.sh" drm-headers)/usr/include
	source=$here/fake_i915.c
	library=$(dirname "$root")/fake_i915-$(cksum <"$source" | cut -d' ' -f1).so
	if [ ! -e "$library" ]; then
		"${CC:-cc}" -O1 -fPIC -shared -I"$headers/libdrm" -I"$headers" -o "$library.$$" "$source" -ldl
		mv "$library.$$" "$library"
	fi
	echo "$library"
}

if [ -n "$preload" ]; then
	if [ "$preload" = fake_i915 ]; then preload=$(fake_i915); else preload=$(dirname "$ld")/$preload; fi
	[ -r "$preload" ] || die "no $preload: rebuild the sysroot with tools/sysroot.sh --refresh $runtime"
	export MESA_SHADER_CACHE_DISABLE=true # what is compiled is what is looked at
fi
if [ $prepare = yes ]; then exit 0; fi

case $program in
*/*) ;;
*)
	if [ -x "$root/usr/bin/$program" ]; then
		program=$root/usr/bin/$program
	else
		program=$(command -v -- "$program") || die "no program '$program' in $root/usr/bin or PATH"
	fi
	;;
esac
[ -f "$program" ] || die "no file $program"
[ "$(head -c4 "$program" | od -An -c | tr -d ' ')" = '177ELF' ] ||
	die "$program is a script, not an ELF program: pass the program it runs (for Go tests: go test -exec '$here/with-device.sh $device')"

# VK_ICD_FILENAMES is VK_DRIVER_FILES for loaders before 1.3.207. Implicit layers
# of the host are built for another C library: leave them out.
export VK_DRIVER_FILES="$icd_root/icd.d/$icd.json"
export VK_ICD_FILENAMES="$VK_DRIVER_FILES"
export VK_LAYER_PATH="$root/explicit_layer.d"
export VK_LOADER_LAYERS_DISABLE='~implicit~'
export XDG_DATA_DIRS="$root/none" # where the loader looks for them first
unset VK_ADD_DRIVER_FILES VK_ADD_LAYER_PATH VK_INSTANCE_LAYERS LD_LIBRARY_PATH 2>/dev/null || true
export ANCHORVK_TEST_EXEC="$here/with-device.sh $device"

set -- --library-path "$(dirname "$ld")" ${preload:+--preload "$preload"} "$program" "$@"
if [ -z "$validate" ]; then exec "$ld" "$@"; fi

# Programs that tests start run without the layer: tests send them signals, which
# this script, as it must outlive the program, would get in its place.
export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The layer opens its log anew for each instance, which would empty a file. A
# pipe that this script holds open keeps every message.
mkfifo "$tmp/pipe" "$tmp/stdout"
{
	echo "khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG"
	echo "khronos_validation.log_filename = $tmp/pipe"
	echo "khronos_validation.report_flags = error,warn"
	case $validate:$runtime in
	core:*) ;;
	sync:bookworm) # the settings' names before 1.3.275
		echo "khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT"
		echo "khronos_validation.disables = VK_VALIDATION_FEATURE_DISABLE_CORE_CHECKS_EXT"
		;;
	sync:*)
		echo "khronos_validation.validate_sync = true"
		echo "khronos_validation.validate_core = false"
		# Without it newer layers take no notice of what shaders access.
		echo "khronos_validation.syncval_shader_accesses_heuristic = true"
		;;
	esac
} >"$tmp/vk_layer_settings.txt"
export VK_LAYER_SETTINGS_PATH="$tmp/vk_layer_settings.txt"
tee "$tmp/messages" <"$tmp/pipe" >&2 &
messages=$!
# The newer layer announces its log on stdout, which belongs to the program.
sed -u '/^Validation Layer Info - Logging validation error to /d' <"$tmp/stdout" &
output=$!
exec 3>"$tmp/pipe" 4>"$tmp/stdout"
status=0
"$ld" "$@" >&4 3>&- 4>&- || status=$?
exec 3>&- 4>&-
wait $output
wait $messages
if [ -s "$tmp/messages" ]; then
	echo "with-device: the validation layer ($validate) has complaints, see above" >&2
	[ $status -ne 0 ] || status=86
fi
exit $status
