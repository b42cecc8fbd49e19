"""Capture of tiny models of transformers, whose weights are random."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import tokenizers
import transformers
from safetensors import safe_open

import anchorvk.capture
import anchorvk.hf
import models

# Rounding q, k and v to float16 moves a score by 2^-11 of its size at most; those of these models stay below 12.
F16_ERROR = 4e-3


def read(path):
    with safe_open(path, framework="numpy") as file:
        return file.metadata(), *(file.get_tensor(name) for name in "qkv")


class InAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name, "layers")
        self.lines = []

    def capture(self, model, tokens=models.TOKENS, **more):
        return anchorvk.hf.capture(model, tokens, self.out, say=self.lines.append, **more)

    def bytes(self):
        return {path.name: path.read_bytes() for path in self.out.iterdir()}


class Tensors(InAFolder):
    def assert_gives_the_models_outputs(self, model, layers=range(3)):
        want = models.attention_outputs(model, models.TOKENS)
        for layer in layers:
            metadata, q, k, v = read(self.out / f"layer-{layer:02d}.safetensors")
            self.assertEqual((metadata["layer"], metadata["rope"]), (str(layer), "applied"))
            self.assertEqual(q.dtype, np.float16)
            kv_heads = [int(h) for h in metadata["kv_heads"].split(",")]
            heads = [int(h) for h in metadata["heads"].split(",")]
            self.assertEqual(heads, [3 * h + i for h in kv_heads for i in range(3)])
            outputs = want[layer].reshape(len(models.TOKENS), 6, -1)[:, heads]
            self.assertLess(models.rel_l2(models.attend(q, k, v), outputs), F16_ERROR, f"layer {layer}")
            # The tolerance tells: without causality, or with the heads in another order, much is off.
            self.assertGreater(models.rel_l2(models.attend(q[::-1], k, v), outputs), 0.1, f"layer {layer}")

    def test_llama(self):
        model = models.llama()
        before = model.config._attn_implementation
        done = self.capture(model, name="tiny")
        self.assertEqual((list(done.files), done.left_out), ([0, 1, 2], {}))
        self.assert_gives_the_models_outputs(model)
        metadata, q, k, v = read(done.files[1])
        self.assertEqual((q.shape, k.shape, v.shape), ((6, 200, 16), (2, 200, 16), (2, 200, 16)))
        self.assertEqual((metadata["model"], metadata["positions"]), ("tiny", "200"))
        self.assertEqual(model.config._attn_implementation, before)
        self.assertEqual(len(self.lines), 3)

    def test_qwen3_has_norms_of_its_own(self):
        model = models.qwen3()
        self.capture(model)
        self.assert_gives_the_models_outputs(model)

    def test_a_scale_of_the_models_own_goes_into_q(self):
        model = models.granite()
        self.capture(model)
        self.assertEqual(read(self.out / "layer-00.safetensors")[0]["q_factor"], "1.6")
        self.assert_gives_the_models_outputs(model)

    def test_layers_heads_and_positions_are_chosen(self):
        model = models.llama()
        done = self.capture(model, layers=[2, 0], kv_heads=[1], positions=200)
        self.assertEqual(list(done.files), [0, 2])
        self.assertEqual(sorted(self.bytes()), ["layer-00.safetensors", "layer-02.safetensors"])
        self.assertEqual(read(done.files[2])[0]["heads"], "3,4,5")
        self.assert_gives_the_models_outputs(model, [0, 2])

    def test_the_first_positions_of_a_text_are_taken(self):
        model = models.llama()
        tokenizer = lambda text: {"input_ids": [ord(c) for c in text]}
        anchorvk.hf.capture(model, "some words of a text", self.out, tokenizer=tokenizer, positions=5, layers=[1], say=self.lines.append)
        short = read(self.out / "layer-01.safetensors")
        self.assertEqual(short[1].shape, (6, 5, 16))
        self.assertIn("text_sha256", short[0])


class LeftOut(InAFolder):
    def test_windowed_layers(self):
        done = self.capture(models.windowed())
        self.assertEqual(list(done.files), [0])
        self.assertEqual(done.left_out, {1: "a sliding window of 48 positions", 2: "a sliding window of 48 positions"})
        self.assertEqual(sorted(self.bytes()), ["layer-00.safetensors"])
        with self.assertRaisesRegex(ValueError, "layer 1 cannot be captured: a sliding window of 48"):
            self.capture(models.windowed(), layers=[0, 1])

    def test_a_window_as_long_as_the_text_is_none(self):
        self.assertEqual(list(self.capture(models.windowed(200)).files), [0, 1, 2])

    def test_values_beyond_float16(self):
        model = models.llama()
        model.model.layers[1].self_attn.v_proj.weight.data.mul_(1e6)
        done = self.capture(model)
        self.assertEqual(list(done.files), [0, 2])
        self.assertRegex(done.left_out[1], "v reaches .*, beyond float16")

    def test_soft_capping_is_refused(self):
        sizes = {n: s for n, s in models.SIZES.items()}
        model = models.random_model(transformers.Gemma2ForCausalLM, transformers.Gemma2Config(**sizes))
        with self.assertRaisesRegex(ValueError, "layer 0 has soft-capping of scores"):
            self.capture(model)
        self.assertEqual(self.bytes(), {})


class Resumed(InAFolder):
    def test_an_interrupted_capture_goes_on_with_the_same_bytes(self):
        model = models.llama()
        self.capture(model)
        whole = self.bytes()
        (self.out / "layer-01.safetensors").unlink()
        (self.out / "layer-02.safetensors").unlink()
        (self.out / "layer-01.safetensors.part").write_bytes(b"half a file")
        kept = (self.out / "layer-00.safetensors").stat().st_mtime_ns
        self.lines.clear()
        self.assertEqual(list(self.capture(model).files), [0, 1, 2])
        self.assertEqual(self.bytes(), whole)
        self.assertEqual((self.out / "layer-00.safetensors").stat().st_mtime_ns, kept)
        self.assertEqual(self.lines[0], f"1 of 3 layers are in {self.out} already")

    def test_a_failed_layer_leaves_the_ones_before_it(self):
        model = models.llama()
        with self.assertRaisesRegex(RuntimeError, "interrupted"):
            anchorvk.hf.capture(model, models.TOKENS, self.out, say=self.interrupt)
        self.assertEqual(sorted(self.bytes()), ["layer-00.safetensors"])
        self.capture(model)
        self.assertEqual(len(self.bytes()), 3)

    def interrupt(self, line):
        raise RuntimeError("interrupted")

    def test_nothing_is_computed_where_all_is_there(self):
        model = models.llama()
        self.capture(model)
        model.model.layers[0].forward = None  # would fail
        self.assertEqual(list(self.capture(model).files), [0, 1, 2])

    def test_another_capture_in_the_folder_is_refused(self):
        model = models.llama()
        self.capture(model, layers=[1], positions=100)
        before = self.bytes()
        for more, key in ((dict(positions=101), "positions"), (dict(positions=100, kv_heads=[0]), "kv_heads"), (dict(positions=100, name="other"), "model"), (dict(positions=100, tokens=models.TOKENS[::-1]), "tokens_sha256")):
            with self.assertRaisesRegex(ValueError, f"of another capture: its {key} is"):
                self.capture(model, **more)
        (self.out / "layer-01.safetensors").write_bytes(before["layer-01.safetensors"][:-1])
        with self.assertRaisesRegex(ValueError, "no whole safetensors file"):
            self.capture(model, positions=100)


class Arguments(InAFolder):
    def test_what_is_refused(self):
        model = models.llama()
        for more, error, words in (
            (dict(layers=[3]), ValueError, "layers is 3; use 0 to 2"),
            (dict(kv_heads=[2]), ValueError, "kv_heads is 2; use 0 to 1"),
            (dict(positions=201), ValueError, "the text has 200 tokens, and positions is 201"),
            (dict(tokens=[1]), ValueError, "the text has 1 tokens"),
            (dict(tokens="a text"), TypeError, "a text needs tokenizer"),
            (dict(tokens=[1.5, 2]), TypeError, "text must be an integer"),
        ):
            with self.assertRaisesRegex(error, words):
                self.capture(model, **more)
        self.assertFalse(self.out.exists() and self.bytes())


class CommandLine(InAFolder):
    """In a process of its own, on a model and a tokenizer in files; then `anchorvk eval`."""

    def setUp(self):
        super().setUp()
        self.model = self.out.parent / "model"
        models.llama().save_pretrained(self.model)
        words = {f"w{i}": i for i in range(299)} | {"?": 299}
        tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="?"))
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?").save_pretrained(self.model)
        self.text = self.out.parent / "text.txt"
        self.text.write_text(" ".join(f"w{i}" for i in models.TOKENS))

    def run_it(self, *more):
        return subprocess.run([sys.executable, "-m", "anchorvk.capture", self.model, self.text, self.out, *more], capture_output=True, text=True)

    def test_capture_then_eval(self):
        ran = self.run_it("--layers", "0,2", "--kv-heads", "1", "--positions", "160")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("layer   2 of 3", ran.stderr)
        self.assertIn("anchorvk eval", ran.stdout)
        paths = sorted(map(str, self.out.iterdir()))
        ran = subprocess.run([os.environ["ANCHORVK"], "eval", "--json", *paths], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        text = json.dumps(json.loads(ran.stdout))
        self.assertEqual([text.count(f'"head": {h},') for h in (2, 3, 4, 5)], [0, 2, 2, 2])

    def test_errors_are_told_in_a_line(self):
        for more, words in ((["--positions", "5000"], "the text has 200 tokens, and positions is 5000"), (["--layers", "7"], "layers is 7; use 0 to 2")):
            ran = self.run_it(*more)
            self.assertEqual(ran.returncode, 1)
            self.assertIn(words, ran.stderr.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
