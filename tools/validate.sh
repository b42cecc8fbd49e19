#!/bin/sh
# Runs every test and `anchorvk verify` under the Khronos validation layer: core
# checks first, then synchronization checks. Fails if the layer says anything, or
# says nothing about two planted faults.
#
#   tools/validate.sh [DEVICE...]     # of tools/with-device.sh, default lavapipe-256
#
# ANCHORVK_VALIDATE_PACKAGES names the packages (default: all);
# bin/anchorvk must be built.
set -eu

cd "$(dirname "$0")/.."
case ${1-} in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
[ $# -gt 0 ] || set -- lavapipe-256
packages=${ANCHORVK_VALIDATE_PACKAGES:-./...}
failed=
misuse=$(mktemp -d)
trap 'rm -rf "$misuse"' EXIT
trap 'exit 130' INT TERM
go build -o "$misuse/misuse" ./tools/misuse
for device; do
	for checks in core sync; do
		echo "== $checks checks on $device"
		exec_with="$PWD/tools/with-device.sh --validate $checks $device"
		status=0
		$exec_with "$misuse/misuse" $checks >"$misuse/log" 2>&1 || status=$?
		if [ $status -ne 86 ]; then
			cat "$misuse/log" >&2
			echo "validate: status $status, not 86, of a planted fault: these checks find nothing" >&2
			failed="$failed $checks:$device:planted"
			continue
		fi
		# shellcheck disable=SC2086
		CI=true go test -count=1 -exec "$exec_with" $packages || failed="$failed $checks:$device:tests"
		$exec_with bin/anchorvk verify || failed="$failed $checks:$device:verify"
	done
done
[ -z "$failed" ] || { echo "validate: failed:$failed" >&2; exit 1; }
echo "validate: the layer was silent, but for the planted faults" >&2
