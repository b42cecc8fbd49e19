"""Checks of the capture tool that need no model: python -m unittest test_capture"""

import unittest

import numpy as np

from anchor_attention import anchor_attention
from anchor_measures import HeadScores, Shape
from gguf_model import Config, unpermute
from llama import apply_rope, causal_attention, rope_tables


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


if __name__ == "__main__":
    unittest.main()
