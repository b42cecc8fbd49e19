"""What chooses the stripes: numbers out of range, and arguments that exclude each other."""

import re
import unittest

import numpy as np

import sample
from anchorvk._plan import plan_info
from ondevice import OnADevice

INF, NAN = float("inf"), float("nan")


def heads(first):
    return dict(head_modes=[first, None, None, None])


class Choice(OnADevice):
    def refused(self, words, **params):
        with self.subTest(params), self.assertRaisesRegex(ValueError, "^" + re.escape(words)) as caught:
            plan_info(**sample.SHAPE, **params)
        self.assertNotRegex(str(caught.exception), "sample_|guard_|avk_|Params|leave .* 0 too")  # names of other languages

    def test_out_of_range(self):
        for words, params in (
            ("weight is 0; use a number above 0 such as 0.2", dict(weight=0)),
            ("weight is -1; use a number above 0", dict(weight=-1)),
            ("weight is 1e-30, outside of 2.5e-29 to 3.4e+38; use a number such as 0.2", dict(weight=1e-30)),
            ("weight is 1e+300, outside of 2.5e-29 to 3.4e+38; use a number such as 0.2", dict(weight=1e300)),
            ("weight is inf; use a finite number", dict(weight=INF)),
            ("sample[0] is 0; use 1 to 2147483647", dict(sample=(0, 0.2))),
            ("sample[1] is 0; use a number above 0", dict(sample=(16, 0.0))),
            ("sample[1] is nan; use a finite number", dict(sample=(16, NAN))),
            ("sample[2] is -1; use 0 to 64", dict(sample=(16, 0.2, -1))),
            ("sample[2] is 65; use 0 to 64", dict(sample=(16, 0.2, 65))),
            ("guard[1] is 0; use a probability from 1e-06 to 1", dict(guard=(16, 0, 0.02))),
            ("guard[1] is 1.5; use a probability", dict(guard=(16, 1.5, 0.02))),
            ("guard[2] is -0.1; use a probability from 0 to 1", dict(guard=(16, 0.01, -0.1))),
            ("guard[3] is 16; use 0 to 15", dict(guard=(16, 0.01, 0.02, 16))),
            ("block is 17; use a multiple of 16 such as 128", dict(block=17)),
            ("step is 134217728, which in blocks of 16 rows", dict(step=2**27, block=16)),
            ("sink_blocks is 134217728, which in blocks of 16 rows", dict(sink_blocks=2**27)),
            ("window_blocks is 134217728, which in blocks of 16 rows", dict(window_blocks=2**27)),
            ("scale is -1; use a positive number", dict(scale=-1)),
            ("scale is 1e-300; use a positive number", dict(scale=1e-300)),
            ("scale is 3e+38; use a positive number", dict(scale=3e38)),
            ("head_modes[0]['weight'] is 0; use a number above 0", heads({"weight": 0})),
            ("head_modes[0]['weight'] is -0.2; use a number above 0", heads({"weight": -0.2})),
            ("head_modes[0]['weight'] is nan; use a finite number", heads({"weight": NAN})),
            ("head_modes[0]['weight'] is inf; use a finite number", heads({"weight": np.float64(INF)})),
        ):
            self.refused(words, **params)

    def test_the_ends_of_the_ranges_are_taken(self):
        least = 2.0**-95
        for params in (
            dict(weight=least), dict(weight=float(np.finfo(np.float32).max)), dict(sample=(16, 0.2, 64)), dict(sample=(16, 0.2, 0)), dict(guard=(16, 1e-6, 0, 15)), dict(guard=(16, 1, 1, 0)),
            dict(block=16, step=2**27 - 1), dict(scale=2.0**-126), dict(scale=2e38), heads({"weight": least}), heads({"weight": np.float32(0.25)}),
        ):
            with self.subTest(params):
                self.engine.plan(**sample.SHAPE, **params).close()

    def test_weights_without_sampled_rows(self):
        for more, why in ((dict(preset="paper"), "preset='paper' has"), (dict(sample=None), "sample=None has")):
            self.refused(f"weight is 0.2, which is of sampled rows, but {why} pooled rows choose the stripes; give sample=", weight=0.2, **more)
        for more, why in ((dict(preset="paper"), "preset='paper' has"), (dict(sample=None), "sample=None has"), (dict(theta=3), "theta=3 has")):
            self.refused(f"head_modes[0]['weight'] is 0.1, which is of sampled rows, but {why} pooled rows choose the stripes; ", **heads({"weight": 0.1}), **more)
        self.assertEqual(plan_info(**sample.SHAPE, preset="paper", sample=(8, 0.3), weight=0.2, guard=None).sample_weight, 0.2)

    def test_a_theta_stands_alone(self):
        for theta in (3, np.float32(3), INF, -INF):
            does = "has pooled rows choose the stripes" if np.isfinite(theta) else "keeps every key" if theta > 0 else "keeps no key"
            self.refused(f"theta is {theta!r}, which {does}, beside weight, which has sampled rows choose: give one of them", theta=theta, weight=0.2)
            self.refused(f"theta is {theta!r}, which {does}, beside sample, which has sampled rows choose: give one of them", theta=theta, sample=(16, 0.2))
            for more in (dict(), dict(sample=None), dict(sample="preset"), dict(preset="paper")):
                info = plan_info(**sample.SHAPE, theta=theta, **more)
                self.assertEqual(info.theta, theta)
                self.assertLessEqual(info.sample_stride, 16 * np.isinf(theta))

    def test_the_guard_looks_at_the_sampled_rows(self):
        self.refused("sample[0] is 32, but the guard looks at every 16th row, and both use the same rows; give guard=(32, 0.01, 0.02, ", sample=(32, 0.2))
        self.refused("guard[0] is 32, but every 16th row chooses the stripes, and the guard uses the same rows; use 16, or give sample too", guard=(32, 0.01, 0.02))
        for more in (dict(sample=(32, 0.2), guard=(32, 0.01, 0.02)), dict(sample=(32, 0.2), guard=None), dict(guard=(32, 0.01, 0.02), theta=3), dict(guard=(32, 0.01, 0.02), sample=None)):
            self.engine.plan(**sample.SHAPE, **more).close()


if __name__ == "__main__":
    unittest.main()
