"""Tuning on the device at hand."""

import os
import tempfile
import unittest

import anchorvk
from ondevice import OnADevice


class Tune(OnADevice):
    def test_winners_are_kept_and_found(self):
        with tempfile.TemporaryDirectory() as folder:
            with anchorvk.Engine(self.device) as engine:
                # No time for more than the choice that there is: nothing wins.
                gain = engine.tune(16, heads=2, kv_heads=1, length=300, seconds=0.001, folder=os.path.join(folder, "new"))
                self.assertIsInstance(gain, str)
                engine.tuned(folder)
                with engine.plan(heads=2, kv_heads=1, q_len=300, kv_len=300, head_dim=16) as plan:
                    self.assertIn("tuning", plan.details)

    def test_arguments(self):
        with anchorvk.Engine(self.device) as engine:
            for words, error, arguments in (
                ("head_dim is 0", ValueError, dict(head_dim=0)),
                ("head_dim must be", TypeError, dict(head_dim="16")),
                ("seconds is nan", ValueError, dict(head_dim=16, seconds=float("nan"))),
                ("tier must be a str", TypeError, dict(head_dim=16, tier=3)),
            ):
                with self.subTest(arguments), self.assertRaisesRegex(error, words):
                    engine.tune(**arguments)
            with self.assertRaisesRegex(anchorvk.Error, "give both"):
                engine.tune(16, heads=2)
            with self.assertRaisesRegex(anchorvk.Error, "folder"):
                engine.tuned("")


if __name__ == "__main__":
    unittest.main()
