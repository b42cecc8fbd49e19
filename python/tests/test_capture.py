"""What of capture needs neither PyTorch nor transformers; the rest is in tests_hf (make python-hf)."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import numpy as np

import anchorvk.capture
from anchorvk._tensorfile import read_metadata, write_tensors

TENSORS = {"q": np.arange(24, dtype=np.float16).reshape(2, 3, 4), "k": np.ones((1, 3, 4), np.float32).swapaxes(0, 1)}


class TensorFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "a.safetensors")

    def test_a_file_holds_header_and_data(self):
        size = write_tensors(self.path, TENSORS, {"layer": "3", "text": "ä"})
        data = self.path.read_bytes()
        self.assertEqual(len(data), size)
        length = int.from_bytes(data[:8], "little")
        self.assertEqual(length % 8, 0)
        header = json.loads(data[8 : 8 + length])
        self.assertEqual(header["__metadata__"], {"layer": "3", "text": "ä"})
        self.assertEqual(header["k"], {"dtype": "F32", "shape": [3, 1, 4], "data_offsets": [48, 96]})
        begin, end = header["q"]["data_offsets"]
        np.testing.assert_array_equal(np.frombuffer(data[8 + length :][begin:end], np.float16).reshape(2, 3, 4), TENSORS["q"])
        self.assertEqual(read_metadata(self.path), {"layer": "3", "text": "ä"})

    def test_it_appears_whole_or_not_at_all(self):
        write_tensors(self.path, TENSORS, {"layer": "3"})
        before = self.path.read_bytes()
        with self.assertRaises(KeyError):
            write_tensors(self.path, {"q": TENSORS["q"], "k": np.zeros(2, np.int32)}, {})
        with unittest.mock.patch("os.replace", side_effect=OSError("full")), self.assertRaises(OSError):
            write_tensors(self.path, TENSORS, {"layer": "4"})
        self.assertEqual(self.path.read_bytes(), before)

    def test_files_that_are_not_whole_have_no_metadata(self):
        write_tensors(self.path, TENSORS, {"layer": "3"})
        data = self.path.read_bytes()
        for wrong in (b"", data[:5], data[:60], data[:-1], data + b"x", b"\xff" * 50, (2).to_bytes(8, "little") + b"[]", (9).to_bytes(8, "little") + b'{"q":{}} '):
            self.path.write_bytes(wrong)
            self.assertIsNone(read_metadata(self.path), wrong[:40])
        self.assertIsNone(read_metadata(self.path.with_name("none")))


class WithoutTorch(unittest.TestCase):
    def test_the_package_itself_wants_no_torch(self):
        code = "import sys, anchorvk, anchorvk.capture; print([m for m in ('torch', 'transformers') if m in sys.modules])"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip(), "[]")

    def test_the_error_says_what_to_install(self):
        with unittest.mock.patch.dict(sys.modules, {"torch": None}), self.assertRaisesRegex(ImportError, "anchorvk.hf needs torch.*pip install"):
            import anchorvk.hf  # noqa: F401

    def test_the_command_says_so_too(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "torch.py").write_text("raise ImportError('none here')")
            pathlib.Path(folder, "transformers.py").write_text("raise ImportError('none here')")
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])}
            ran = subprocess.run([sys.executable, "-m", "anchorvk.capture", "model", __file__, folder], capture_output=True, text=True, env=environment)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("pip install torch transformers", ran.stderr)


class Numbers(unittest.TestCase):
    def test_ranges(self):
        self.assertEqual(anchorvk.capture.numbers("7,0-2,2,5"), [0, 1, 2, 5, 7])
        for text in ("", "1,", "-3", "a", "5-3", "1-", "0-99999999999", "1.5"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=text):
                anchorvk.capture.numbers(text)


if __name__ == "__main__":
    unittest.main()
