"""The writer of safetensors files of python/anchorvk, which needs numpy only.

It is loaded from its file: the package itself would want the shared library.
"""

import importlib.util
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "python" / "anchorvk" / "_tensorfile.py"

spec = importlib.util.spec_from_file_location("anchorvk_tensorfile", PATH)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
read_metadata, write_tensors, write_whole = module.read_metadata, module.write_tensors, module.write_whole
