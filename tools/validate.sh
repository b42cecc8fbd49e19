#!/bin/sh
# Runs every test, `anchorvk verify` and the host programs that lend their device
# under the Khronos validation layer: core checks first, then synchronization
# checks. Fails if the layer says anything, or says nothing about two planted faults.
#
#   tools/validate.sh [--short] [DEVICE...]   # of tools/with-device.sh, default lavapipe-256
#
# --short is for `make test`: synchronization checks alone, of two engine tests in
# which every stage, the guard and the dense tail among them, writes scratch memory
# that another one reads or that is used again. Where the device cannot be had it
# says so, but fails when CI is set.
#
# ANCHORVK_VALIDATE_PACKAGES names the packages (default: all but those whose tests
# run other programs, which the layer would not see);
# bin/anchorvk must be built.
set -eu

cd "$(dirname "$0")/.."
short=no
case ${1-} in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
--short) short=yes; shift ;;
-*) echo "validate: unknown option '$1' (see --help)" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || set -- lavapipe-256
packages=${ANCHORVK_VALIDATE_PACKAGES:-$(go list ./... | grep -v -e /capi$ -e /examples$)}
failed=
misuse=$(mktemp -d)
trap 'rm -rf "$misuse"' EXIT
trap 'exit 130' INT TERM
go build -o "$misuse/misuse" ./tools/misuse

# The layer must see a planted fault, or its silence means nothing.
finds_planted() { # checks, and the words before a program
	checks=$1
	shift
	status=0
	"$@" "$misuse/misuse" "$checks" >"$misuse/log" 2>&1 || status=$?
	[ $status -ne 86 ] || return 0
	cat "$misuse/log" >&2
	echo "validate: status $status, not 86, of a planted fault: these checks find nothing" >&2
	return 1
}

if [ $short = yes ]; then
	tests='TestLittleScratchEqualsMuch TestSlicedEqualsUnsliced'
	for device; do
		if ! tools/with-device.sh --prepare "$device"; then
			echo "validate: $device cannot be had here (reason above)" >&2
			[ -z "${CI:-}" ] || exit 1
			continue
		fi
		exec_with="$PWD/tools/with-device.sh --validate sync $device"
		# shellcheck disable=SC2086
		finds_planted sync $exec_with
		for name in $tests; do # go test passes when no test has the name
			go test -list "^$name\$" ./attention | grep -qx "$name" || { echo "validate: attention has no $name" >&2; exit 1; }
		done
		CI=true go test -count=1 -exec "$exec_with" -run "^($(echo "$tests" | tr ' ' '|'))\$" ./attention
	done
	exit 0
fi

tools/setup.sh test
tools/capi.sh "$misuse/capi"
host_program() { # name, sources and flags
	name=$1
	shift
	cc -std=c99 -O1 -g "-I$misuse/capi" -Iexamples/common -Iexamples/c -o "$misuse/$name" "$@" examples/common/sample.c \
		"-L$misuse/capi" -lanchorvk "-Wl,-rpath,$misuse/capi" -lvulkan -lm -lpthread
}
host_program example examples/c/main.c examples/c/host.c
host_program borrowed capi/testdata/borrowed.c examples/c/host.c
# shellcheck disable=SC2046
host_program placebo examples/libplacebo/main.c $(pkg-config --cflags --libs libplacebo)

# libplacebo asks for a function of the instance in the wrong place, which is its affair.
placebo_is_silent() {
	status=0
	"$@" "$misuse/placebo" >"$misuse/log" 2>&1 || status=$?
	case $status in 0 | 86) ;; *) cat "$misuse/log" >&2; return 1 ;; esac
	! grep '^Validation' "$misuse/log" | grep -v WARNING-vkGetDeviceProcAddr-device >&2
}
for device; do
	for checks in core sync; do
		echo "== $checks checks on $device"
		exec_with="$PWD/tools/with-device.sh --validate $checks $device"
		# shellcheck disable=SC2086
		finds_planted $checks $exec_with || { failed="$failed $checks:$device:planted"; continue; }
		# shellcheck disable=SC2086
		CI=true go test -count=1 -exec "$exec_with" $packages || failed="$failed $checks:$device:tests"
		for program in example borrowed; do
			$exec_with "$misuse/$program" >/dev/null || failed="$failed $checks:$device:$program"
		done
		# shellcheck disable=SC2086
		placebo_is_silent $exec_with || failed="$failed $checks:$device:libplacebo"
		$exec_with bin/anchorvk verify || failed="$failed $checks:$device:verify"
	done
done
[ -z "$failed" ] || { echo "validate: failed:$failed" >&2; exit 1; }
echo "validate: the layer was silent, but for the planted faults" >&2
