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

layer=20 kv_head=0 theta=8 step=4

. "$here/model.sh"
(cd "$here" && "$work/venv/bin/python" -m unittest test_capture)
run prove.py --model "$model"
run capture.py --model "$model" --out "$work/layers"
run measure_theta.py --capture "$work/layers" --out "$testdata/smollm2-theta.csv"
run summarise_theta.py "$testdata/smollm2-theta.csv"
run make_slice.py --capture "$work/layers" --layer $layer --kv-head $kv_head --theta $theta --step $step \
	--out "$testdata/smollm2-l$layer-kv$kv_head.safetensors"
run make_tiny.py --out "$testdata/tiny.safetensors"
