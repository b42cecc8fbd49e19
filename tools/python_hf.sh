#!/bin/sh
# Tests anchorvk.hf with PyTorch and transformers, in a virtual environment of its own:
#
#   tools/python_hf.sh [TEST...]        # such as test_capture.Resumed; default all
#
# Needs bin/anchorvk, bin/capi (make python-hf builds both), a Vulkan device and Python 3.11
# or newer. PyPI's torch for Linux brings CUDA with it, 3.5 GB in all; with PIP_EXTRA_INDEX_URL
# set to PyTorch's index for CPUs pip takes the small one. The environment lies in
# $ANCHORVK_HF_VENV, by default ~/.cache/anchorvk/hf.
set -eu

cd "$(dirname "$0")/.."
venv=${ANCHORVK_HF_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/anchorvk/hf}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement python/tests_hf/requirements.txt
ANCHORVK=${ANCHORVK:-$PWD/bin/anchorvk}
ANCHORVK_LIBRARY=${ANCHORVK_LIBRARY:-$(echo "$PWD"/bin/capi/libanchorvk.*[0-9]*)}
export ANCHORVK ANCHORVK_LIBRARY PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD/python:$PWD/python/tests_hf"
# Nothing is downloaded by the tests themselves.
export HF_HUB_OFFLINE=1
if [ $# -eq 0 ]; then set -- discover -s python/tests_hf; fi
exec "$venv/bin/python" -m unittest "$@"
