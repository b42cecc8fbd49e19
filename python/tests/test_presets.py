"""Presets, the dense tail, the guard, and modes of single heads."""

import unittest

import numpy as np

import sample
from ondevice import OnADevice


class Presets(OnADevice):
    def run_with(self, **params):
        q, k, v = sample.inputs()
        return self.engine.attention(q, k, v, stripes=True, **params)

    def test_the_default_is_safe(self):
        rng = np.random.default_rng(3)
        q, k, v = (rng.standard_normal((2, 900, 16)).astype(np.float16) for _ in range(3))
        default, safe = self.engine.attention(q, k, v), self.engine.attention(q, k, v, preset="safe")
        np.testing.assert_array_equal(default.o.view(np.uint16), safe.o.view(np.uint16))
        with self.engine.plan(heads=2, kv_heads=2, q_len=900, kv_len=900, head_dim=16) as plan:
            self.assertIn("step 16, block 16", str(plan))
            self.assertIn("sample stride 16, weight 0.15, part 8", str(plan))
            self.assertIn("tail 128, guard stride 16, peak 0.01, limit 0.02, look 2", str(plan))
        with self.assertRaisesRegex(ValueError, 'preset is "fast", which is none; use one of lean, paper, safe'):
            self.run_with(preset="fast")

    def test_the_tail_is_dense_and_other_rows_stay(self):
        q, k, v = sample.inputs()
        dense = self.engine.attention(q, k, v, mode="dense").o
        without = self.run_with(**sample.PARAMS)
        got = self.run_with(**sample.PARAMS, tail=7)
        np.testing.assert_array_equal(got.o[:, -7:].view(np.uint16), dense[:, -7:].view(np.uint16))
        np.testing.assert_array_equal(got.o[:, :-7].view(np.uint16), without.o[:, :-7].view(np.uint16))
        self.assertGreater(got.stats.computed_ratio, without.stats.computed_ratio)

    def test_a_guard_without_mercy_keeps_all_and_one_that_is_off_nothing(self):
        without = self.run_with(**sample.PARAMS, guard=None)
        self.assertEqual((without.stats.guarded_ratio, without.stats.missed_mass), (0, 0))
        strict = self.run_with(**sample.PARAMS, guard=(1, 1e-6, 0))
        self.assertEqual(strict.stats.guarded_ratio, 1)
        self.assertEqual(strict.stats.computed_ratio, 1)
        mild = self.run_with(**sample.PARAMS, guard=(1, 1e-6, 1))
        self.assertEqual(mild.stats.guarded_ratio, 0)
        self.assertGreater(mild.stats.missed_mass, 0)
        self.assertGreater(mild.stats.selection_ratio, without.stats.selection_ratio)
        np.testing.assert_array_equal(mild.stripes, without.stripes)

    def test_heads_in_their_own_ways(self):
        q, k, v = sample.inputs()
        heads = len(q)
        dense = self.engine.attention(q, k, v, mode="dense").o
        only = self.run_with(**{**sample.PARAMS, "theta": float("-inf")})
        plain = self.run_with(**sample.PARAMS)
        modes = ["dense", "anchor_only", float("-inf")] + [None] * (heads - 3)
        got = self.run_with(**sample.PARAMS, head_modes=modes)
        for h, want in enumerate([dense, only.o, only.o] + [plain.o] * (heads - 3)):
            np.testing.assert_array_equal(got.o[h].view(np.uint16), want[h].view(np.uint16), f"head {h}")

    def test_chunks_with_a_tail_in_the_last_only_give_the_bits_of_one_call(self):
        rng = np.random.default_rng(4)
        q, k, v = (rng.standard_normal((2, 900, 16)).astype(np.float16) for _ in range(3))
        whole = self.engine.attention(q, k, v, no_fallback=True).o

        def in_chunks(tail):
            ends = (256, 768, 900)
            parts = []
            for begin, end in zip((0,) + ends, ends):
                last = None if end == 900 else tail
                parts.append(self.engine.attention(q[:, begin:end], k[:, :end], v[:, :end], tail=last, no_fallback=True).o)
            return np.concatenate(parts, axis=1)

        np.testing.assert_array_equal(in_chunks(0).view(np.uint16), whole.view(np.uint16))
        self.assertGreater(np.abs(in_chunks(128).astype(np.float32) - whole).max(), 0)

    def test_heads_have_an_order(self):
        for heads in ({"dense": 1, "anchor_only": 2}, {0: "dense", 1: "dense"}, {"dense", "anchor_only"}, "dense", b"de", iter(["dense"])):
            with self.assertRaisesRegex(TypeError, f"one entry for each query head, not {type(heads).__name__}"):
                self.run_with(**sample.PARAMS, head_modes=heads)
        with self.assertRaisesRegex(TypeError, "preset must be a str, not NoneType"):
            self.run_with(preset=None)


if __name__ == "__main__":
    unittest.main()
