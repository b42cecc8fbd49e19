#!/bin/sh
# Shows what the compilers of GPUs that are not here make of every pipeline that
# a plan could pick: registers, spills, instructions, an estimate of the time.
#
#   tools/isa.sh [DEVICE...]            # print the tables and store them in out/isa
#   tools/isa.sh --check [DEVICE...]    # compare with the baseline, tools/isa/baseline
#   tools/isa.sh --update [DEVICE...]   # store the baseline: that of the subgroup
#                                       # sizes that plans take by themselves
#   tools/isa.sh --only REGEXP DEVICE...   # print those that match, as
#                                       # 'dense, tier coop, head_dim 128'; with
#                                       # --listings FOLDER write their machine code
#
# DEVICE is one of tools/with-device.sh --list-stubs, by default all of them.
# Those that cannot be had --check names and leaves out, but fails when CI is set.
# docs/isa.md says how to read the tables.
set -eu

tools=$(cd "$(dirname "$0")" && pwd)
cd "$tools/.."
baseline=tools/isa/baseline

die() { printf 'isa: %s\n' "$*" >&2; exit 1; }

# One device, its output kept together.
one() {
	mode=$1
	device=$2
	shift 2
	case $mode in
	print) set -- -o "out/isa/$device.csv" "$@" ;;
	check) set -- -planned -baseline "$baseline/$device.csv" "$@" ;;
	update) set -- -planned -o "$baseline/$device.csv" -q "$@" ;;
	look) ;;
	esac
	start=$(date +%s)
	status=0
	log=$(mktemp)
	"$tools/with-device.sh" "$device" bin/isa "$@" >"$log" 2>&1 || status=$?
	{
		echo "== $device, $(($(date +%s) - start)) s$([ $status -eq 0 ] || echo ": FAILED")"
		# What drivers say of stubs each time.
		sed '/^ATTENTION: default value of option/d; /is not a conformant Vulkan implementation/d' "$log"
		[ "$mode" = check ] || echo
	} >"$log.shown"
	cat "$log.shown"
	rm -f "$log" "$log.shown"
	return $status
}

if [ "${1-}" = --one ]; then
	shift
	one "$@"
	exit
fi

mode=print
only=
listings=
while [ $# -gt 0 ]; do
	case $1 in
	--check) mode=check ;;
	--update) mode=update ;;
	--only | --listings)
		[ $# -ge 2 ] || die "$1 takes a value (see --help)"
		if [ "$1" = --only ]; then only=$2; else listings=$2; fi
		mode=look
		shift
		;;
	-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	-*) die "unknown option '$1' (see --help)" ;;
	*) break ;;
	esac
	shift
done
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $("$tools/with-device.sh" --list-stubs | cut -d' ' -f1)

CGO_ENABLED=1 go build -buildvcs=false -o bin/isa ./tools/isa
mkdir -p out/isa "$baseline"
skipped=
for device; do
	shift # and back to the end of the list, where it can be had
	if "$tools/with-device.sh" --prepare "$device"; then
		set -- "$@" "$device"
		continue
	fi
	[ $mode = check ] && [ -z "${CI:-}" ] || die "$device cannot be had here (reason above)"
	skipped="$skipped $device"
done
if [ $mode = look ]; then
	for device; do
		one look "$device" ${only:+-only "$only"} ${listings:+-listings "$listings"}
	done
	exit
fi
status=0
[ $# -eq 0 ] || printf '%s\n' "$@" | xargs -d '\n' -n 1 -P 2 "$tools/isa.sh" --one $mode || status=$?
[ -z "$skipped" ] || echo "isa: SKIPPED, not checked, for they cannot be had here (reasons above):$skipped" >&2
[ $status -eq 0 ] || die "not every device is as it should be (reasons above)"
