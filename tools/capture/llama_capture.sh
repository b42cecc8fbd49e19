#!/bin/sh
# Captures q, k and v of a GGUF model's layers with llama.cpp, as files that anchorvk eval reads:
#
#   tools/capture/llama_capture.sh MODEL.gguf TEXT OUT [--layers 0,5,20-29] [--kv-heads 0] [--positions 8192]
#   anchorvk eval OUT/*.safetensors --preset safe
#
# TEXT is a file in UTF-8; special tokens in it, such as <|im_start|>, are taken as such. OUT gets a
# file for each layer, and tokens.json. Further options: --ubatch N (512), positions that are computed at a
# time: attention takes ubatch * positions * heads * 4 bytes; --threads N; --name NAME of the
# model in the files; --save-every N (60), seconds after which the state is saved.
#
# The same command goes on where an interrupted one stood, and takes no layer twice. Layers that
# are no plain causal attention (a sliding window, soft-capping, sinks) are left out and named.
#
# Needs a C compiler. llama.cpp is Debian testing's, run from a folder of its own (tools/sysroot.sh
# llama, 50 MB); with ANCHORVK_LLAMA=PREFIX it is the one that is installed under PREFIX, with headers.
set -eu

case ${1-} in -h | --help | '') sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
[ $# -ge 3 ] || { echo "llama_capture: needs MODEL.gguf, TEXT and OUT (see --help)" >&2; exit 2; }
model=$1 text=$2 out=$3
shift 3
[ -r "$text" ] || { echo "llama_capture: cannot read the text $text" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${ANCHORVK_LLAMA:-}" ]; then
	headers=$ANCHORVK_LLAMA/include lib=$ANCHORVK_LLAMA/lib loader=
	backends=$lib
	LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	export LD_LIBRARY_PATH
else
	root=$("$here/../sysroot.sh" llama)
	headers=$root/usr/include lib=$(echo "$root"/usr/lib/*-linux-gnu*)
	backends=$(echo "$lib"/ggml/backends*)
	loader="$(echo "$lib"/ld-linux-*.so.*) --library-path $lib"
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -I"$headers" -o "$tmp/llama_capture" \
	"$here/llama_capture.c" "$here/llama_nodes.c" "$here/layer_file.c" \
	"$lib/libllama.so" "$lib/libggml.so" "$lib/libggml-base.so" -Wl,--allow-shlib-undefined -lm
digest=$(sha256sum "$text" | cut -d ' ' -f 1)
# The loader and its arguments are words.
# shellcheck disable=SC2086
$loader "$tmp/llama_capture" "$model" "$text" "$out" --backends "$backends" --text-sha256 "$digest" "$@"
