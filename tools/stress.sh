#!/bin/sh
# Prefill and the host layer without a pause while Go's garbage collector runs
# all the time (GOGC=1), then under the strictest check of what crosses to C.
#
#   tools/stress.sh [SECONDS]   # each of the two long tests; default 60
set -eu

cd "$(dirname "$0")/.."
seconds=${1:-60}
case $seconds in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'' | *[!0-9]*) echo "stress: SECONDS is a whole number, not '$seconds'" >&2; exit 2 ;;
esac

# go test passes when no test has the name.
stress() { # package, test
	go test -list "^$2\$" "$1" | grep -qx "$2" || { echo "stress: $1 has no $2" >&2; exit 1; }
	go test -count=1 -v -timeout $((seconds + 600))s -run "^$2\$" "$1"
}

export CI=true # fail, not skip, without a device
export ANCHORVK_STRESS="${seconds}s" ANCHORVK_STRESS_SECONDS="$seconds"
stress ./vk TestGarbageCollector
stress ./attention TestPrefillUnderAGreedyCollector
stress ./vk TestCgoCheck
export GOEXPERIMENT=cgocheck2 ANCHORVK_STRESS_SECONDS=2
stress ./attention TestPrefillUnderAGreedyCollector
