#!/bin/sh
# Checks captures by llama.cpp (llama_capture.sh) of SmolLM2-135M-Instruct against the forward pass of
# llama.py on the same tokens, and that an interrupted capture ends with the same bytes.
# Usage: tools/capture/capture_check.sh [WORK_FOLDER]; needs what capture.sh does, a C compiler and
# bin/anchorvk (make capture-check builds it). Some minutes, 1 GB of disk.
#
# With the weights as float32 both multiply in float32; llama.cpp keeps keys and values as F16 and
# rounds queries and probabilities to it. That is 2e-4 of q, k and v in the first layer (half an F16 step,
# 2^-11, at most) and adds up through 30 layers to less than 1e-3: 2e-3 is allowed. With the quantised
# weights llama.cpp also rounds activations to 8 bits before each product: 0.1 is allowed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=${1:-${TMPDIR:-/tmp}/anchorvk-capture}
. "$here/model.sh"
anchorvk=${ANCHORVK:-$here/../../bin/anchorvk}
text=$(go env GOROOT)/src/testdata/Isaac.Newton-Opticks.txt
check=$work/check
rm -rf "$check"
mkdir -p "$check"
positions=900

die() { echo "capture_check: $*" >&2; exit 1; }
capture() {
	from=$1 to=$2
	shift 2
	"$here/llama_capture.sh" "$from" "$text" "$check/$to" --positions $positions --ubatch 256 "$@"
}

run widen_gguf.py --model "$model" --out "$check/f32.gguf"
capture "$check/f32.gguf" f32 --name check 2>"$check/log" || die "$(cat "$check/log")"
run compare_llama.py --model "$model" --capture "$check/f32" --text "$text" --most 0.002
capture "$model" q4 2>"$check/log" || die "$(cat "$check/log")"
run compare_llama.py --model "$model" --capture "$check/q4" --text "$text" --most 0.1

# Interrupted as soon as a state is saved, with all of its processes.
setsid "$here/llama_capture.sh" "$model" "$text" "$check/again" --positions $positions --ubatch 256 --save-every 0 >"$check/log" 2>&1 &
job=$!
until [ -e "$check/again/resume.state" ]; do
	kill -0 $job 2>/dev/null || die "no state was saved: $(cat "$check/log")"
	sleep 0.1
done
kill -TERM "-$job" # the group that setsid made
wait $job || true
[ ! -e "$check/again/layer-00.safetensors" ] || die "a layer was there before it was whole"
capture "$model" again 2>"$check/log" || die "$(cat "$check/log")"
grep "going on at position" "$check/log" || die "the interrupted capture began anew"
diff -r "$check/q4" "$check/again" || die "the resumed capture has other bytes"
echo "the resumed capture has the same bytes"

# A model with windows gives the layers without them, and an error where others are named.
run make_windowed.py --like "$model" --out "$check/windowed.gguf"
capture "$check/windowed.gguf" windowed 2>"$check/log" || die "$(cat "$check/log")"
[ "$(cd "$check/windowed" && echo *.safetensors)" = layer-05.safetensors ] || die "captured are $(ls "$check/windowed")"
[ "$(grep -c 'left out: it is no causal attention over all positions.*: position 64 attends 64' "$check/log")" = 5 ] || die "$(cat "$check/log")"
if capture "$check/windowed.gguf" named --layers 1,5 2>"$check/log"; then die "a windowed layer that was named is no error"; fi
if capture "$check/windowed.gguf" windowed --layers 5 --name other 2>"$check/log"; then die "another capture in the folder is no error"; fi
grep "is of another capture" "$check/log" >/dev/null || die "$(cat "$check/log")"

"$anchorvk" eval "$check"/q4/layer-1?.safetensors --preset paper,safe
"$here/llama_capture.sh" "$model" "$text" "$check/some" --positions 600 --layers 3,20-21 --kv-heads 1 2>"$check/log" || die "$(cat "$check/log")"
"$anchorvk" eval -q --by-head "$check"/some/*.safetensors
rm -r "$check"
