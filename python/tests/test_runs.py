"""Runs: what they tell beside the result, and how they are ended."""

import signal
import threading
import time
import unittest

import numpy as np

import anchorvk
import sample
from ondevice import OnADevice


class Warnings(OnADevice):
    def test_chunks_that_begin_inside_a_group(self):
        q, k, v = sample.inputs()  # groups of 64
        whole = self.engine.attention(q, k, v, **sample.PARAMS)
        self.assertEqual(whole.stats.warnings, ())
        aligned = self.engine.attention(q[:, 256:], k, v, **sample.PARAMS)
        self.assertEqual(aligned.stats.warnings, ())
        np.testing.assert_array_equal(aligned.o, whole.o[:, 256:])
        late = self.engine.attention(q[:, 290:], k, v, **sample.PARAMS)
        self.assertEqual(len(late.stats.warnings), 1)
        self.assertRegex(late.stats.warnings[0], "^the call begins at position 290, inside a group of 64 .*rows at positions 290 to 319")
        np.testing.assert_array_equal(late.o[:, 30:], whole.o[:, 320:])


class Interrupts(OnADevice):
    """Ctrl-C ends a run that would take minutes, and leaves all usable."""

    def setUp(self):
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))

    def press(self, after=0.4):
        timer = threading.Timer(after, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        timer.start()
        self.addCleanup(timer.join)

    def test_runs_end_within_a_slice(self):
        rows, dim = 4096, 64
        q, k, v = np.zeros((3, 8, rows, dim), np.float16)
        v += 1
        with self.engine.plan(heads=8, kv_heads=8, q_len=rows, kv_len=rows, head_dim=dim, mode="dense", slice_ms=5) as plan:
            self.engine.warmup(plan)
            out = np.empty_like(q)
            with self.engine.call(plan, q, k, v, out) as call:
                call.pace(0.01)  # a hundred times as long as the device needs
                for wait in (call.run, lambda: (call.start(), call.wait())):
                    self.press()
                    begin = time.monotonic()
                    with self.assertRaises(KeyboardInterrupt):
                        wait()
                    self.assertLess(time.monotonic() - begin, 10)
                    if wait == call.run:
                        self.assertFalse(self.engine._slow)
                        with self.assertRaises(anchorvk.Error) as caught:
                            call.wait(0)  # it has ended already
                    else:
                        self.assertIsNone(call.wait(0), "only the waiting ended")
                        call.cancel()
                        with self.assertRaises(anchorvk.Error) as caught:
                            call.wait()
                    self.assertEqual(caught.exception.name, "AVK_ERROR_CANCELLED")
        small = [a[:, :64] for a in (q, k, v)]
        np.testing.assert_array_equal(self.engine.attention(*small, mode="dense").o, np.ones((8, 64, dim)))

    def test_quick_runs_wait_in_the_library(self):
        q, k, v = sample.inputs()
        with self.engine.plan(**sample.SHAPE, **sample.PARAMS) as plan, self.engine.call(plan, q, k, v, np.empty_like(q)) as call:
            self.assertEqual(call._took, float("inf"))
            call.run()
            self.assertLess(call._took, 60)
            call._took = 0.001
            seen = []
            call._run_slowly = seen.append
            call.run()
            self.assertFalse(seen)
            self.engine._slow.add("a long run of another thread")
            self.addCleanup(self.engine._slow.clear)
            call._took = 0.001
            call.run()
            self.assertEqual(len(seen), 1, "its turn may be long in coming")


if __name__ == "__main__":
    unittest.main()
