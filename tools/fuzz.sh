#!/bin/sh
# Fuzzes the engine against the oracle, plans, the file reader against the
# safetensors package of Python, and the C interface, one after the other.
#
#   tools/fuzz.sh [SECONDS [DEVICE...]]   # default: an hour, on this machine's device
#
# DEVICEs (tools/with-device.sh --list) get a part of the time with random problems.
# What made new paths run is kept in Go's cache, so that another run goes on from
# there; what fails is written below testdata/fuzz of its package, where go test
# repeats it, or printed with its seed. tools/fuzz.sh goes on after a failure and
# ends with 1.
set -eu

cd "$(dirname "$0")/.."
case ${1-} in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
seconds=${1:-3600}
case $seconds in '' | *[!0-9]*) echo "fuzz: SECONDS is a whole number, not '$seconds'" >&2; exit 2 ;; esac
[ $# -eq 0 ] || shift

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
failed=
summary=

# A Python with the pinned package, in the cache.
requirements=internal/tensorfile/testdata/requirements.txt
safetensors() {
	venv=${XDG_CACHE_HOME:-$HOME/.cache}/anchorvk/safetensors-$(cksum <$requirements | cut -d' ' -f1)
	if [ ! -x "$venv/bin/python" ]; then
		for python in ${PYTHON:-python3 /usr/bin/python3}; do
			rm -rf "$venv.$$"
			if "$python" -m venv "$venv.$$" && "$venv.$$/bin/python" -m pip install --quiet --requirement $requirements; then
				rm -rf "$venv"
				mv "$venv.$$" "$venv" && break
			fi
		done >&2
		rm -rf "$venv.$$"
	fi
	[ -x "$venv/bin/python" ] && echo "$venv/bin/python"
}
if python=$(safetensors); then
	export ANCHORVK_SAFETENSORS_PYTHON="$python"
else
	echo "fuzz: no Python with the package safetensors (reason above): the file reader is compared with nothing" >&2
	[ -z "${CI:-}" ] || failed="$failed safetensors"
fi

# The share of the time that a percentage is.
part() { echo $((seconds * $1 / 100 > 0 ? seconds * $1 / 100 : 1)); }

finish() { # name, status, what it did
	[ "$2" -eq 0 ] || { failed="$failed $1"; cat "$log" >&2; }
	line=$(printf '%-28s %s' "$1" "$3")
	echo "$line" >&2
	summary="$summary
$line"
}

fuzz() { # package, target, percent of the time
	status=0
	# Long minimizing, the default, is most of the time where paths vary by chance.
	go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "$(part "$3")s" -fuzzminimizetime 1s -timeout 0 >"$log" 2>&1 || status=$?
	# Go ends so now and then when the time is up and an input is being run.
	if grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input written' "$log"; then status=0; fi
	grep -q '^fuzz: ' "$log" || status=1 # go test passes when nothing has the name
	finish "$2" $status "$(part "$3") s, $(sed -n 's/^fuzz: elapsed: [^,]*, \(execs: [0-9]*\).*\(total: [0-9]*\).*/\1, inputs \2/p' "$log" | tail -1)"
}

long() { # name, package, test, percent of the time, words before the program
	status=0
	ANCHORVK_FUZZ_SECONDS=$(part "$4") CI=true go test -v -count=1 -timeout 0 ${5:+-exec "$5"} -run "^$3\$" "$2" >"$log" 2>&1 || status=$?
	grep -q "^--- PASS: $3 " "$log" || status=1
	finish "$1" $status "$(part "$4") s, $(sed -n 's/^ *[a-z_]*_test.go:[0-9]*: \([0-9][0-9]* \(problems\|calls\) .*\)/\1/p' "$log" | tail -1)"
}

engine=40
[ $# -eq 0 ] || engine=25
fuzz ./internal/verify FuzzEngine "$engine"
for device; do
	tools/with-device.sh --prepare "$device"
	long "TestRandomProblems $device" ./internal/verify TestRandomProblems $((15 / $#)) "$PWD/tools/with-device.sh $device"
done
fuzz ./attention FuzzPlan 16
fuzz ./attention FuzzSlices 4
fuzz ./internal/tensorfile FuzzHeader 20
fuzz ./internal/tensorfile FuzzParse 5
long TestManyRandomCalls ./capi TestManyRandomCalls 15 ''
echo "fuzz: $summary" >&2
[ -z "$failed" ] || { echo "fuzz: failed:$failed" >&2; exit 1; }
