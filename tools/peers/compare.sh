#!/bin/sh
# Measures anchorvk beside other programs that compute attention, on one device,
# in one run. The programs take turns (A B A B), so that whatever else the
# machine does hits all alike; the ratio is that of neighbours in one round.
#
#   tools/peers/compare.sh                      # dense beside ggml-vulkan
#   tools/peers/compare.sh -n 3 --peers vulkan,cpu --seq 1024
#   tools/peers/compare.sh anchor               # anchor beside anchorvk's own dense
#   tools/peers/compare.sh --peers aule --seq 1024 --heads 4 --kv-heads 1 --head-dim 64
#
#   -n ROUNDS     rounds (default 5)
#   --peers LIST  of (default vulkan,vulkan-f32)
#       vulkan         ggml's Vulkan backend as it comes
#       vulkan-scalar  the same without cooperative matrices
#       vulkan-f32     the same without cooperative matrices and without fp16
#       cpu            ggml's CPU backend
#       aule           PyPI's aule-attention (Vulkan; head_dim 64 at most)
#   --acc any     let ggml choose how it accumulates (default f32, what llama.cpp asks for)
#   --on DEVICE   of tools/with-device.sh --list (default lavapipe-256)
#   --seq, --heads, --kv-heads, --head-dim N    the shape
#
# ANCHORVK names the program to measure (default bin/anchorvk, `make build`).
# Every program is checked against a double-precision reference before it is
# timed. Times are wall-clock milliseconds of one call, inputs on the device.
set -eu

cd "$(dirname "$0")/../.."
die() { printf 'compare: %s\n' "$*" >&2; exit 2; }

mode=dense rounds=5 peers=vulkan,vulkan-f32 acc=f32 on=lavapipe-256
seq='' heads='' kv_heads='' head_dim=128 aule_version=0.5.0
case ${1-} in dense | anchor) mode=$1; shift ;; esac
while [ $# -gt 0 ]; do
	case $1 in -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
	[ $# -ge 2 ] || die "$1: no such flag, or its value is missing (see --help)"
	case $1 in
	-n) rounds=$2 ;;
	--peers) peers=$2 ;;
	--acc) acc=$2 ;;
	--on) on=$2 ;;
	--seq) seq=$2 ;;
	--heads) heads=$2 ;;
	--kv-heads) kv_heads=$2 ;;
	--head-dim) head_dim=$2 ;;
	*) die "no flag $1 (see --help)" ;;
	esac
	shift 2
done
case $mode in
dense) : "${seq:=2048}" "${heads:=32}" "${kv_heads:=8}" ;;
anchor) : "${seq:=16384}" "${heads:=4}" "${kv_heads:=1}" ;;
esac
for number in "$rounds" "$seq" "$heads" "$kv_heads" "$head_dim"; do
	case $number in '' | *[!0-9]* | 0*) die "'$number' is no number from 1 on" ;; esac
done
for peer in $(echo "$peers" | tr , ' '); do
	case $peer in
	vulkan | vulkan-scalar | vulkan-f32 | cpu) ;;
	aule) [ "$head_dim" -le 64 ] || die "aule takes a --head-dim of 64 at most, not $head_dim" ;;
	*) die "no peer '$peer': use vulkan, vulkan-scalar, vulkan-f32, cpu or aule" ;;
	esac
done
anchorvk=${ANCHORVK:-bin/anchorvk}
[ -x "$anchorvk" ] || die "no program $anchorvk: run make build, or set ANCHORVK"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# Runs a program on the device, its standard error shown only if it fails; then
# the script ends with its status.
quietly() {
	status=0
	tools/with-device.sh "$on" "$@" 2>"$tmp/errors" || status=$?
	[ $status -eq 0 ] || { cat "$tmp/errors" >&2; echo "compare: $1 failed with status $status" >&2; exit $status; }
}

machine_state() {
	echo "load of the last 1, 5 and 15 minutes $1: $(cut -d' ' -f1-3 /proc/loadavg) on $(nproc) CPUs"
}

# Cases of `anchorvk verify` near the measured shape.
verify_own() {
	status=0
	tools/with-device.sh "$on" "$anchorvk" verify -p "(length/$1 n=2048|gqa/$1 |large/$1 )" >"$tmp/verify" 2>&1 || status=$?
	[ $status -eq 0 ] || { cat "$tmp/verify" >&2; echo "compare: anchorvk verify failed, nothing timed" >&2; exit $status; }
	echo "anchorvk verify, $1 cases: $(tail -n 1 "$tmp/verify")"
}

if [ "$mode" = anchor ]; then
	verify_own anchor
	verify_own dense
	machine_state before
	quietly "$anchorvk" bench --preset paper --seq "$seq" --heads "$heads" --kv-heads "$kv_heads" --head-dim "$head_dim" \
		--modes dense,anchor --stripes 0.05 --no-fallback -r "$rounds"
	machine_state after
	exit 0
fi

build_ggml() {
	root=$(tools/sysroot.sh testing)
	lib=$(echo "$root"/usr/lib/*-linux-gnu*)
	ggml=$tmp/ggml_attention
	# The sysroot's libraries want its newer libc, which with-device.sh gives them.
	"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -I"$root/usr/include" -o "$ggml" tools/peers/ggml_attention.c \
		"$lib/libggml.so" "$lib/libggml-base.so" -Wl,--allow-shlib-undefined -lm
}

install_aule() {
	venv=${XDG_CACHE_HOME:-$HOME/.cache}/anchorvk/aule-$aule_version
	[ -x "$venv/bin/python3" ] || python3 -m venv "$venv"
	"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check "aule-attention==$aule_version"
}

run_ggml() {
	quietly "$ggml" --load "$(echo "$lib"/ggml/backends*)" --device "$1" --acc "$acc" --q-len "$seq" \
		--heads "$heads" --kv-heads "$kv_heads" --head-dim "$head_dim" --reps 1
}

run_peer() (
	export GGML_VK_VISIBLE_DEVICES=0 # or ggml leaves CPU devices out
	case $1 in
	vulkan) run_ggml Vulkan0 ;;
	vulkan-scalar) export GGML_VK_DISABLE_COOPMAT=1 && run_ggml Vulkan0 ;;
	vulkan-f32) export GGML_VK_DISABLE_COOPMAT=1 GGML_VK_DISABLE_F16=1 && run_ggml Vulkan0 ;;
	cpu) run_ggml CPU ;;
	aule)
		quietly "$venv/bin/python3" tools/peers/aule_attention.py --seq "$seq" --heads "$heads" \
			--kv-heads "$kv_heads" --head-dim "$head_dim" --reps 1
		;;
	esac
)

# Value of a field that stands once in a line of JSON.
field() {
	value=$(sed -n "s/.*\"$1\":\([0-9.e+-]*\)[,}].*/\1/p" "$2")
	[ -n "$value" ] || die "no $1 in: $(cat "$2")"
	echo "$value"
}

case $peers in *vulkan* | *cpu*) build_ggml ;; esac
case $peers in *aule*) install_aule ;; esac
verify_own dense
machine_state before
round=1
while [ "$round" -le "$rounds" ]; do
	quietly "$anchorvk" bench --preset paper --seq "$seq" --heads "$heads" --kv-heads "$kv_heads" --head-dim "$head_dim" \
		--modes dense -r 1 --output jsonl >"$tmp/result"
	own=$(field host_ms "$tmp/result")
	echo "anchorvk $own $own" >>"$tmp/times"
	for peer in $(echo "$peers" | tr , ' '); do
		run_peer "$peer" >"$tmp/result"
		theirs=$(field median "$tmp/result")
		echo "$peer $theirs $own" >>"$tmp/times"
	done
	printf 'round %d of %d\n' "$round" "$rounds" >&2
	round=$((round + 1))
done
machine_state after
echo "dense causal attention, $seq positions, $heads/$kv_heads heads, head_dim $head_dim, on $on; $rounds rounds"

# times: program, its ms, anchorvk's ms of the same round.
awk -v seq="$seq" -v heads="$heads" -v dim="$head_dim" '
	function median(a, n,   i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
		return (a[int((n + 1) / 2)] + a[int(n / 2) + 1]) / 2
	}
	!($1 in count) { name[++names] = $1 }
	{ n = ++count[$1]; ms[$1, n] = $2; ratio[$1, n] = $2 / $3 }
	END {
		flop = 4 * seq * (seq + 1) / 2 * dim * heads
		print "| program | median ms | min | max | GFLOP/s | times anchorvk (median of pairs) | min | max |"
		print "|:--|--:|--:|--:|--:|--:|--:|--:|"
		for (k = 1; k <= names; k++) {
			n = count[name[k]]
			for (i = 1; i <= n; i++) { t[i] = ms[name[k], i]; r[i] = ratio[name[k], i] }
			mt = median(t, n); mr = median(r, n)
			printf "| %s | %.1f | %.1f | %.1f | %.1f | %.2f | %.2f | %.2f |\n",
				name[k], mt, t[1], t[n], flop / mt / 1e6, mr, r[1], r[n]
		}
	}' "$tmp/times"
