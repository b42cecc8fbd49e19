#!/bin/sh
# Runs every test and `anchorvk verify` under the Khronos validation layer: core
# checks first, then synchronization checks. Fails if the layer says anything.
#
#   tools/validate.sh [DEVICE...]     # of tools/with-device.sh, default lavapipe-256
#
# ANCHORVK_VALIDATE_PACKAGES names the packages (default: all);
# bin/anchorvk must be built.
set -eu

cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- lavapipe-256
packages=${ANCHORVK_VALIDATE_PACKAGES:-./...}
failed=
for device; do
	for checks in core sync; do
		echo "== $checks checks on $device"
		exec_with="$PWD/tools/with-device.sh --validate $checks $device"
		# shellcheck disable=SC2086
		CI=true go test -count=1 -exec "$exec_with" $packages || failed="$failed $checks:$device:tests"
		$exec_with bin/anchorvk verify || failed="$failed $checks:$device:verify"
	done
done
[ -z "$failed" ] || { echo "validate: failed:$failed" >&2; exit 1; }
echo "validate: the layer was silent" >&2
