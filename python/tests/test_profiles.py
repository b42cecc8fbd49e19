"""Profiles: what they stand for, and what is none."""

import gc
import json
import pathlib
import tempfile
import unittest

import numpy as np

import anchorvk
from anchorvk._plan import plan_info
from ondevice import OnADevice

HEADS = [
    {"layer": 3, "head": 0, "mode": "dense"},
    {"layer": 3, "head": 1, "weight": 1.5},
    {"layer": 5, "head": 3, "theta": 2.5},
    {"layer": 3, "head": 3, "mode": "anchor_only"},
]
PROFILE = {"schema": 1, "model": "NULL and avk_plan_create", "preset": "safe", "heads": HEADS}
# As layers 3 and 5 have them.
MODES = {3: ["dense", {"weight": 1.5}, None, "anchor_only"], 4: None, 5: [None, None, None, 2.5]}
# Groups so small that few rows have candidates, without a guard, to which each of few keys is a peak.
SMALL = dict(block=16, step=2, tail=0, guard=None, no_fallback=True)


class Profiles(OnADevice):
    def setUp(self):
        rng = np.random.default_rng(5)
        self.arrays = [rng.standard_normal((n, 320, 16)).astype(np.float16) for n in (4, 2, 2)]

    def run_with(self, **params):
        return self.engine.attention(*self.arrays, stripes=True, **{**SMALL, **params})

    def same(self, got, want):
        np.testing.assert_array_equal(got.o.view(np.uint16), want.o.view(np.uint16))
        np.testing.assert_array_equal(got.stripes, want.stripes)

    def test_a_profile_gives_the_bits_of_the_modes_that_it_stands_for(self):
        plain = self.run_with()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.json"
            path.write_text(json.dumps(PROFILE))
            profiles = [anchorvk.Profile(PROFILE), anchorvk.Profile(path), anchorvk.Profile(str(path))]
        for profile in profiles:
            for layer, modes in MODES.items():
                got = self.run_with(profile=profile, layer=layer)
                self.same(got, self.run_with(head_modes=modes))
                for h in range(4):
                    differs = bool((got.o[h].view(np.uint16) != plain.o[h].view(np.uint16)).any())
                    self.assertEqual(differs, modes is not None and modes[h] is not None, f"layer {layer} head {h}")

    def test_other_arguments_go_before_the_profile(self):
        paper = dict(PROFILE, preset="paper", heads=[{"layer": 0, "head": 1, "theta": 1}])
        profile = anchorvk.Profile(paper)
        shape = dict(heads=4, kv_heads=2, q_len=600, kv_len=600, head_dim=16)
        with self.engine.plan(**shape, profile=profile, layer=0) as plan:
            self.assertIn("theta 12, step 16, block 128", str(plan))
        info = plan_info(**shape, profile=profile, layer=0, preset="lean", tail=7)
        gc.collect()  # the heads' modes live in Python's memory
        self.assertEqual((info.tail, info.block, info.sample_weight), (7, 16, 0.2))
        self.assertEqual([(h.mode, h.theta) for h in info.head_modes[:4]], [(0, 0), (1, 1), (0, 0), (0, 0)])
        self.same(self.run_with(profile=profile, layer=0, preset="safe"), self.run_with(head_modes=[None, 1, None, None]))

    def test_what_does_not_fit(self):
        profile = anchorvk.Profile(PROFILE)
        profile.check(6, 4)
        self.fails("AVK_ERROR_ARGUMENT", "heads[2]: the model has 5 layers, but layer 5 is named", profile.check, 5, 4)
        self.fails("AVK_ERROR_ARGUMENT", "heads[2]: the model has 3 query heads, but head 3 is named", profile.check, 6, 3)
        self.fails("AVK_ERROR_ARGUMENT", "layer 3 has 2 query heads, but head 3 is named", self.engine.plan, heads=2, kv_heads=2, q_len=9, kv_len=9, head_dim=16, profile=profile, layer=3)
        self.fails("AVK_ERROR_ARGUMENT", "heads[1]: weight 1.5 is of sampled rows, and preset paper has none", anchorvk.Profile(dict(PROFILE, preset="paper")).check, 6, 4)
        with self.assertRaisesRegex(TypeError, "profile needs layer"):
            self.run_with(profile=profile)
        with self.assertRaisesRegex(ValueError, "layer is the layer of a profile, and profile names none"):
            self.run_with(layer=3)
        with self.assertRaisesRegex(ValueError, "head_modes and profile both say"):
            self.run_with(profile=profile, layer=3, head_modes=[None] * 4)
        profile.close()
        profile.close()
        self.fails("AVK_ERROR_HANDLE", "was closed", self.run_with, profile=profile, layer=3)

    def test_what_is_no_profile(self):
        self.fails("AVK_ERROR_ARGUMENT", "no such profile.json: no such file; make one with", anchorvk.Profile, "no such profile.json")
        self.fails("AVK_ERROR_ARGUMENT", "schema: is missing", anchorvk.Profile, {})
        self.fails("AVK_ERROR_ARGUMENT", 'preset: "fast" is none; use one of lean, paper, safe', anchorvk.Profile, {"schema": 1, "preset": "fast"})
        self.fails("AVK_ERROR_ARGUMENT", "heads[0]: weight is 0", anchorvk.Profile, dict(PROFILE, heads=[{"layer": 0, "head": 0, "weight": 0}]))
        for source, error in (({"schema": float("nan")}, ValueError), ({"schema": np.float32("nan")}, ValueError), ({"schema": 1j}, TypeError), ({"schema": np.zeros(1)}, TypeError)):
            with self.assertRaisesRegex(error, "profile cannot be written as JSON"):
                anchorvk.Profile(source)
        for source in (None, b"model.json", 3, [PROFILE]):
            with self.assertRaisesRegex(TypeError, f"profile must be the path of a file, or a dict, not {type(source).__name__}"):
                anchorvk.Profile(source)

    def test_numbers_of_numpy_are_taken(self):
        heads = [{"layer": np.int64(h["layer"]), "head": np.uint8(h["head"])} | {name: np.float32(h[name]) for name in ("theta", "weight") if name in h} | {"mode": h["mode"] for _ in "m" if "mode" in h} for h in HEADS]
        self.assertEqual(anchorvk.Profile(dict(PROFILE, schema=np.int32(1), heads=heads)).details, PROFILE)
        self.fails("AVK_ERROR_ARGUMENT", "heads[0]: layer is true; write a whole number that counts from 0", anchorvk.Profile, dict(PROFILE, heads=[{"layer": np.True_, "head": 0, "theta": 1}]))

    def test_names_are_exact(self):
        self.fails("AVK_ERROR_ARGUMENT", 'the name "preseT" is unknown; write "preset"', anchorvk.Profile, {"schema": 1, "preset": "safe", "preseT": "lean"})

    def test_weights_need_sampled_rows(self):
        profile = anchorvk.Profile({"schema": 1, "preset": "paper", "heads": [{"layer": 0, "head": 1, "weight": 0.25}]})
        shape = dict(heads=4, kv_heads=2, q_len=600, kv_len=600, head_dim=16, profile=profile)
        for more, why in ((dict(), "the profile's preset has"), (dict(theta=2), "theta=2 has"), (dict(preset="paper"), "preset='paper' has"), (dict(preset="safe", sample=None), "sample=None has")):
            with self.subTest(more), self.assertRaisesRegex(ValueError, f"^the profile's weight of head 1 is 0.25, which is of sampled rows, but {why} pooled rows choose the stripes; "):
                plan_info(**shape, layer=0, **more)
        for more in (dict(layer=1), dict(layer=0, preset="safe"), dict(layer=0, sample=(16, 0.2)), dict(layer=0, preset="lean", theta=float("inf"))):
            self.engine.plan(**shape, **more).close()

    def test_what_a_profile_says_of_itself(self):
        with anchorvk.Profile(PROFILE) as profile:
            self.assertEqual(profile.details, PROFILE)  # a model's name is no word of the library's
            self.assertEqual(str(profile), "profile of NULL and avk_plan_create on preset safe: heads with a way of their own: 4 in 2 layers (anchor 2, dense 1, anchor_only 1)")


if __name__ == "__main__":
    unittest.main()
