"""Checks of the capture tool that need no model: python -m unittest test_capture"""

import tempfile
import unittest
from pathlib import Path

import gguf
import numpy as np

from anchor_attention import anchor_attention
from anchor_measures import HeadScores, Shape
from gemma_model import read_gemma_config
from gemma_tokenizer import BYTE, NORMAL, USER_DEFINED, GemmaTokenizer
from gguf_model import Config, open_gguf, plain_text, unpermute
from llama import apply_rope, causal_attention, rope_tables
from prompts import PLANS, WORDINGS, Words, completion, needle_prompt, stretch, write_whole
from summarise_end_to_end import tables


def naive_groups(q, k, shape, theta):
    """The definition key by key in float64: rows, candidates, stripes and each row's kept keys."""
    seq, scale = len(q), 1 / np.sqrt(q.shape[1])
    scores = q.astype(np.float64) @ k.T.astype(np.float64) * scale
    for start in range(0, seq, shape.group):
        stop = min(start + shape.group, seq)
        window = max(shape.sink, start - shape.window)
        anchor = {p: [j for j in range(p + 1) if j < shape.sink or j >= window] for p in range(start, stop)}
        stripes = set()
        for block in range(start, stop, shape.block):
            rows = range(block, min(block + shape.block, stop))
            mean_anchor = np.mean([max(scores[p, j] for j in anchor[p]) for p in rows])
            mean_score = scores[rows.start : rows.stop].mean(axis=0)
            stripes |= {j for j in range(shape.sink, window) if mean_score[j] >= mean_anchor - theta}
        yield window - shape.sink, stripes, {p: keys + sorted(stripes) for p, keys in anchor.items()}, scores


def naive_measures(q, k, shape, theta):
    seq = len(q)
    computed = recall = kept = candidates = 0
    for group_candidates, stripes, keys_of, scores in naive_groups(q, k, shape, theta):
        kept += len(stripes)
        candidates += group_candidates
        for p, keys in keys_of.items():
            weight = np.exp(scores[p, : p + 1] - scores[p, : p + 1].max())
            computed += len(keys)
            recall += weight[keys].sum() / weight.sum()
    return computed / (seq * (seq + 1) / 2), kept / candidates if candidates else 0.0, recall / seq


class Measures(unittest.TestCase):
    def test_equals_the_definition(self):
        rng = np.random.default_rng(1)
        for seq in (7, 64, 100, 129):
            q = rng.normal(size=(seq, 8)).astype(np.float32) * 2
            k = rng.normal(size=(seq, 8)).astype(np.float32) * 2
            shapes = [Shape(16, 1, 16, 16), Shape(16, 2, 16, 16), Shape(16, 3, 32, 16)]
            head = HeadScores(q, k, shapes)
            for shape in shapes:
                thetas = [-np.inf, 0.0, 2.0, 5.0, np.inf]
                for theta, got in zip(thetas, head.measure(shape, thetas)):
                    want = naive_measures(q, k, shape, theta)
                    got = (got.computed_ratio, got.stripe_ratio, got.recall_mass)
                    np.testing.assert_allclose(got, want, atol=1e-5, err_msg=f"seq {seq}, {shape}, theta {theta}")

    def test_infinite_theta_is_dense(self):
        rng = np.random.default_rng(2)
        q, k = rng.normal(size=(2, 200, 8)).astype(np.float32)
        shape = Shape(16, 2, 16, 16)
        (all_kept,) = HeadScores(q, k, [shape]).measure(shape, [np.inf])
        self.assertEqual((all_kept.computed_ratio, all_kept.stripe_ratio), (1.0, 1.0))
        self.assertAlmostEqual(all_kept.recall_mass, 1.0, places=5)


class Rope(unittest.TestCase):
    config = Config("", "", 1, 2, 1, 8, 16, 32, 64, 100000.0, 1e-5)

    def test_unpermute_undoes_the_interleaving(self):
        # Row names of one head of 8: original order 0..7, stored as 0 4 1 5 2 6 3 7.
        stored = np.array([0, 4, 1, 5, 2, 6, 3, 7], dtype=float)[:, None]
        both = np.concatenate([stored, stored + 8])
        np.testing.assert_array_equal(unpermute(both, 2)[:, 0], np.arange(16))

    def test_half_split_equals_interleaved_as_a_complex_product(self):
        rng = np.random.default_rng(3)
        stored = rng.normal(size=(16, 5)).astype(np.float32)
        x = rng.normal(size=(9, 5)).astype(np.float32)
        positions = np.arange(3, 12)
        flat = x @ unpermute(stored, 2).T
        got = apply_rope(flat.reshape(9, 2, 8).swapaxes(0, 1), *rope_tables(self.config, positions))
        pairs = (x @ stored.T).reshape(9, 2, 4, 2).swapaxes(0, 1)
        turn = np.exp(1j * positions[:, None] * 100000.0 ** (-np.arange(4) / 4))
        want = (pairs[..., 0] + 1j * pairs[..., 1]) * turn
        np.testing.assert_allclose(got[..., :4] + 1j * got[..., 4:], want, atol=1e-5)


class Attention(unittest.TestCase):
    def test_equals_softmax_row_by_row_with_a_prefix(self):
        rng = np.random.default_rng(4)
        q = rng.normal(size=(4, 300, 8)).astype(np.float32)
        k, v = rng.normal(size=(2, 2, 320, 8)).astype(np.float32)
        got = causal_attention(q, k, v).reshape(300, 4, 8)
        for h in range(4):
            for row in (0, 1, 255, 256, 299):
                keys = 320 - 300 + row + 1
                weight = np.exp(q[h, row] @ k[h // 2, :keys].T / np.sqrt(8))
                want = weight @ v[h // 2, :keys] / weight.sum()
                np.testing.assert_allclose(got[row, h], want, atol=1e-5)

    def test_anchor_attention_equals_the_definition(self):
        rng = np.random.default_rng(5)
        q = rng.normal(size=(2, 150, 8)).astype(np.float32) * 3
        k, v = rng.normal(size=(2, 1, 150, 8)).astype(np.float32)
        shape = Shape(16, 2, 16, 16)
        for theta in (-np.inf, 2.0, 4.0, np.inf):
            got = anchor_attention(q, k, v, shape, theta).reshape(150, 2, 8)
            for h in range(2):
                for _, _, keys_of, scores in naive_groups(q[h], k[0], shape, theta):
                    for p, keys in keys_of.items():
                        weight = np.exp(scores[p, keys] - scores[p, keys].max())
                        want = weight @ v[0, keys] / weight.sum()
                        np.testing.assert_allclose(got[p, h], want, atol=1e-4)


def naive_join(text, ids, scores):
    """Joins the best pair of neighbours, the leftmost of equals, until none is in the vocabulary."""
    pieces = list(text)
    while True:
        pairs = [(-scores[ids[a + b]], i) for i, (a, b) in enumerate(zip(pieces, pieces[1:])) if a + b in ids]
        if not pairs:
            return [ids[p] for p in pieces]
        _, at = min(pairs)
        pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]


class Tokenizer(unittest.TestCase):
    def test_joins_as_one_pair_at_a_time(self):
        rng = np.random.default_rng(6)
        letters = ["a", "b", "c", "\u2581"]
        words = letters + sorted({"".join(rng.choice(letters, rng.integers(2, 6))) for _ in range(60)})
        scores = [-float(x) for x in rng.permutation(len(words))]
        tokenizer = GemmaTokenizer(words, scores, [NORMAL] * len(words))
        for _ in range(200):
            text = "".join(rng.choice(["a", "b", "c", " "], rng.integers(1, 40)))
            want = naive_join(text.replace(" ", "\u2581"), tokenizer.ids, scores)
            self.assertEqual(tokenizer.encode(text), want, text)

    def test_named_runs_are_whole_and_unknown_characters_are_bytes(self):
        words = ["a", "\u2581", "a\u2581", "\n", "\n\n", "  ", "<0xC3>", "<0xA9>"]
        types = [NORMAL] * 3 + [USER_DEFINED] * 3 + [BYTE] * 2
        tokenizer = GemmaTokenizer(words, [0.0] * len(words), types)
        self.assertEqual(tokenizer.encode("a a\n\n\n  \u00e9a"), [2, 0, 4, 3, 5, 6, 7, 0])
        self.assertEqual(tokenizer.encode(""), [])

    def test_plain_text_of_both_kinds_of_vocabulary(self):
        self.assertEqual(plain_text(["\u0120is", "\u010a"]), " is\n")
        self.assertEqual(plain_text(["\u2581is", "\n"]), " is\n")


class Gemma(unittest.TestCase):
    header = {
        "block_count": 18, "attention.head_count": 4, "attention.head_count_kv": 1, "attention.key_length": 256,
        "attention.value_length": 256, "embedding_length": 640, "feed_forward_length": 2048, "context_length": 32768,
        "attention.sliding_window": 512,
    }  # fmt: skip

    def read(self, **changed):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            writer = gguf.GGUFWriter(path, "gemma3")
            writer.add_string("general.name", "Gemma")
            writer.add_string("general.license", "gemma")
            for name, value in (self.header | changed).items():
                writer.add_uint32(f"gemma3.{name}", value)
            writer.add_float32("gemma3.rope.freq_base", 1e6)
            writer.add_float32("gemma3.attention.layer_norm_rms_epsilon", 1e-6)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.close()
            return read_gemma_config(open_gguf(path))

    def test_every_sixth_layer_sees_all_positions(self):
        config = self.read()
        self.assertEqual([layer for layer in range(config.layers) if config.is_global(layer)], [5, 11, 17])
        self.assertEqual((config.window, config.rope_base, config.local_rope_base), (512, 1e6, 1e4))

    def test_another_model_is_refused(self):
        with self.assertRaisesRegex(SystemExit, "window is 1024, want 512"):
            self.read(**{"attention.sliding_window": 1024})
        with self.assertRaisesRegex(SystemExit, "values have another length"):
            self.read(**{"attention.value_length": 128})


class Prompts(unittest.TestCase):
    config = Config("", "", 30, 9, 3, 64, 576, 1536, 8192, 100000.0, 1e-5)
    letters = Words(lambda text: [ord(c) for c in text], [2], 1, completion)

    def test_needle_stands_after_a_line_near_its_depth(self):
        text = [ord(c) for c in "words of a text\n" * 100]
        for wording in WORDINGS:
            for depth in (0.1, 0.5, 0.9):
                got = needle_prompt(self.letters, text, wording, 900, depth)
                self.assertEqual((len(got), got[0]), (900, 2))
                written = "".join(map(chr, got[1:]))
                before, after = written.split(f"\n\n{wording[0]}\n\n")
                self.assertTrue(before.endswith("\n"))
                haystack = after[: after.index("\n\nQuestion: ")]
                self.assertAlmostEqual(len(before) / len(before + haystack), depth, delta=0.02)
                self.assertTrue(wording[0].startswith(written.rpartition("Answer: ")[2]))
                self.assertNotIn(wording[2], after)

    def test_a_stretched_context_turns_as_far_in_its_slowest_pair(self):
        self.assertEqual(stretch(self.config, 8160), {})
        for length, factor in ((8193, 2), (16352, 2), (32736, 4)):
            got = stretch(self.config, length)
            slowest = lambda base: base ** (-62 / 64)
            self.assertTrue(got["extrapolated"])
            self.assertAlmostEqual(slowest(got["rope_base"]) * factor / slowest(100000.0), 1, places=6)

    def test_plans_leave_room_for_an_answer_and_name_known_texts(self):
        contexts = {"llama": 8192, "gemma3": 32768}
        for name, plan in PLANS.items():
            for length in plan.text_lengths + plan.needle_lengths:
                self.assertTrue(length + 16 <= contexts[plan.architecture] or name.endswith("-long"), name)

    def test_a_file_is_whole_or_as_it_was(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "prompts.json"
            write_whole(path, "one")
            with self.assertRaises(UnicodeEncodeError):
                write_whole(path, "two \udc80")
            self.assertEqual(path.read_text(), "one")


class Summary(unittest.TestCase):
    def record(self, setting, name, positions, perplexity=None, found=None):
        kind = {"kind": "text", "perplexity": perplexity} if perplexity else {"kind": "needle", "found": found}
        return {"setting": setting, "id": name, "positions": positions, "computed_ratio": 0.5, "selection_ratio": 0.125, "guarded_ratio": 0.25} | kind

    def test_a_table_for_each_length_and_what_was_not_run(self):
        records = [
            self.record("dense", "a", 100, 10.0), self.record("dense", "b", 200, 20.0),
            self.record("dense", "n", 100, found=True), self.record("dense", "m", 200, found=True), self.record("dense", "l", 100, found=False),
            self.record("safe", "a", 100, 10.1), self.record("safe", "n", 100, found=False),
        ]  # fmt: skip
        got = tables(records)
        self.assertEqual(got[0], "100 positions; dense: a 10.00")
        self.assertIn("needles of 1", got[1])
        self.assertEqual(got[4], "| safe | +1.00 | 0.500 + 0.125 | 25.0 % | 0 |")
        self.assertEqual(got[9], "| safe | not run |  |  | not run |")

    def test_one_length_counts_needles_of_all(self):
        records = [self.record("dense", "a", 200, 10.0), self.record("dense", "n", 100, found=True)]
        self.assertEqual(tables(records)[2], "| dense | +0.00 | 0.500 + 0.125 | 25.0 % | 1 |")

    def test_without_dense_there_is_nothing_to_compare_with(self):
        with self.assertRaisesRegex(SystemExit, "no results of the setting dense"):
            tables([self.record("safe", "a", 100, 10.0)])


if __name__ == "__main__":
    unittest.main()
