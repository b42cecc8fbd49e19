#!/bin/sh
# Runs bin/anchorvk verify on devices that need no GPU, two at a time, because
# most of the time goes into compilers of one thread, and ends with one line for
# each.
#
#   tools/verify-devices.sh [--short] [DEVICE...]   # of tools/with-device.sh, default all
#
# --short runs a part: few cases of every kernel and tier, for the devices beside
# the machine's own in `make test`. Where a device cannot be had, --short says so
# and goes on, but fails when CI is set.
set -eu

tools=$(cd "$(dirname "$0")" && pwd)
cd "$tools/.."

die() { printf 'verify-devices: %s\n' "$*" >&2; exit 1; }

# Rows of each kind, shared KV heads, prefixes, a batch in both layouts, the ends
# of theta, odd blocks, values that are not finite. The time goes into compiling
# kernels, so there are few head dimensions, and the large one for one tier.
some='head_dim/.* n=521 .* d=(8|40)( |$)|unpack head_dim/.* n=521 .* d=128( |$)'
some="$some|gqa/.* heads=6/2 |prefix/.* n=(704|1025) q=(97|257) |batch/"
# Long sequences and tunings that no device takes by itself, in few kernels of matrix tiers.
some="$some|(scalar|scalar-f16|unpack) long/|long/.* n=140000 |tuning/|late/"
some="$some|theta/.* n=521 .* theta=[-+]Inf |params/.* group=3x48|nonfinite/.*\\(v (nan|inf)\\)|length/.* n=(1|97) "

# The ways of kernels on matrix units that this device does not take by itself, as TUNING TIER.
other_ways() {
	case $1 in
	lavapipe-256) printf '%s\n' 'way=columns coop2' 'way=columns,subgroups=1 coop' 'way=rows,subgroups=1 coop' ;;
	esac
}
few='(head_dim/.* n=521 .* d=40( |$)|prefix/.* n=704 q=257 |nonfinite/.*\(v nan\))'

# Verifies one device, and leaves its line in $results/NAME.
one() {
	device=$1
	log=$results/$device.log
	start=$(date +%s)
	status=0
	if [ "$short" = yes ]; then set -- -p "$some"; else set --; fi
	"$tools/with-device.sh" "$device" bin/anchorvk verify -q "$@" >"$log" 2>&1 || status=$?
	cases=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" || echo "did not finish")
	other_ways "$device" >"$log.ways"
	while read -r tuning tier; do
		ANCHORVK_TUNING=$tuning "$tools/with-device.sh" "$device" bin/anchorvk verify -q -p "^$tier $few" >"$log.way" 2>&1 </dev/null || status=$?
		cases="$cases; with $tuning $(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log.way" || echo 'unfinished')"
		cat "$log.way" >>"$log"
	done <"$log.ways"
	if [ $status -ne 0 ] || echo "$cases" | grep -q finish; then
		grep -v '^OK ' "$log" >&2 || true
		cases="FAILED with status $status: $cases"
		: >"$results/$device.bad"
	fi
	note "$device" "$cases, $(($(date +%s) - start)) s"
}

note() { # device, what there is to say of it
	printf '%-15s %s\n' "$1" "$2" | tee "$results/$1" >&2 # what is done so far
}

if [ "${1-}" = --one ]; then # by this script, with its variables
	one "$2"
	exit
fi

short=no
while [ $# -gt 0 ]; do
	case $1 in
	--short) short=yes ;;
	-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	-*) die "unknown option '$1' (see --help)" ;;
	*) break ;;
	esac
	shift
done
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $("$tools/with-device.sh" --list | cut -d' ' -f1)
[ -x bin/anchorvk ] || die "no bin/anchorvk: run make build"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
export results short

for device; do
	if "$tools/with-device.sh" --prepare "$device"; then
		echo "$device" >>"$results/devices"
		continue
	fi
	if [ $short = no ] || [ -n "${CI:-}" ]; then : >"$results/$device.bad"; fi
	note "$device" "NOT VERIFIED: it cannot be had here (reason above)"
done
[ ! -s "$results/devices" ] || xargs -n 1 -P 2 "$tools/verify-devices.sh" --one <"$results/devices" || :

echo "anchorvk verify$([ $short = no ] || echo ', a part of it'):"
bad=
for device; do
	if [ -s "$results/$device" ]; then cat "$results/$device"; else echo "$device: ended early"; bad="$bad $device"; fi
	[ ! -e "$results/$device.bad" ] || bad="$bad $device"
done
[ -z "$bad" ] || die "failed on:$bad"
