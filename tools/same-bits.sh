#!/bin/sh
# Says whether another commit computes the same bits as the tree here: runs
# every case of verify with both on each device, and compares the digests of
# the outputs. A case that only one of them has is told, and is no difference.
#
#   tools/same-bits.sh [-p PATTERN] COMMIT [DEVICE...]   # of tools/with-device.sh, default all
#
# COMMIT must be one whose `verify` writes digests. It is built in a folder of
# its own, which is removed at the end. Ends with 1 where a bit differs.
set -eu

cd "$(dirname "$0")/.."
die() { printf 'same-bits: %s\n' "$*" >&2; exit 1; }

pattern=.
case ${1-} in
-h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
-p) pattern=${2-}; [ $# -gt 2 ] || die "-p needs a pattern, and a COMMIT after it"; shift 2 ;;
-*) die "unknown option '$1' (see --help)" ;;
esac
[ $# -gt 0 ] || die "no COMMIT (see --help)"
commit=$(git rev-parse --verify --quiet "$1^{commit}") || die "$1 is no commit"
shift
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(tools/with-device.sh --list | cut -d' ' -f1)

work=$(mktemp -d)
trap 'git worktree remove --force "$work/tree" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
git worktree add --quiet --detach "$work/tree" "$commit"
(cd "$work/tree" && go build -buildvcs=false -o "$work/anchorvk-then" ./cmd/anchorvk)
go build -buildvcs=false -o "$work/anchorvk-now" ./cmd/anchorvk

# Lines of 'DIGEST tier case' of each case that was computed.
digests() { # which, device
	status=0
	tools/with-device.sh "$2" "$work/anchorvk-$1" verify -q -o jsonl -p "$pattern" >"$work/jsonl" || status=$?
	[ $status -eq 0 ] || [ $status -eq 4 ] || die "verify ended with $status on $2 ($1)"
	sed -n 's/.*"tier":"\([^"]*\)","case":"\([^"]*\)".*"digest":"\([0-9a-f][0-9a-f]*\)".*/\1 \2|\3/p' "$work/jsonl" | sort >"$work/$1"
	[ -s "$work/$1" ] || die "no digest from $2 ($1)"
}

bad=
for device; do
	digests then "$device"
	digests now "$device"
	awk -F'|' -v device="$device" '
		NR == FNR { then[$1] = $2; next }
		!($1 in then) { print "new: " $1; added++; next }
		then[$1] != $2 { print "differs: " $1; differ++ }
		{ same += then[$1] == $2; delete then[$1] }
		END {
			for (name in then) { print "gone: " name; gone++ }
			printf "%-15s %d the same, %d differ, %d new, %d gone\n", device, same, differ, added, gone
			exit differ > 0
		}' "$work/then" "$work/now" || bad="$bad $device"
done
[ -z "$bad" ] || die "other bits on$bad"
