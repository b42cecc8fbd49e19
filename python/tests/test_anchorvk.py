"""Tests of the installed package, on the machine's Vulkan device."""

import ctypes
import gc
import os
import pathlib
import subprocess
import sys
import threading
import types
import unittest
import unittest.mock

import numpy as np

import anchorvk
import sample
from ondevice import OnADevice


class Attention(OnADevice):
    def test_anchor_attention_is_that_of_the_reference(self):
        q, k, v = sample.inputs()
        want, want_lse, want_kept = sample.reference(q, k, v)
        got = self.engine.attention(q, k, v, lse=True, stripes=True, **sample.PARAMS)
        np.testing.assert_allclose(got.o.astype(float), want, atol=2e-3)
        np.testing.assert_allclose(got.lse, want_lse, atol=2e-3)
        np.testing.assert_array_equal(got.stripes, want_kept)
        self.assertGreater(want_kept.sum(), 0)
        self.assertEqual(got.stats.mode, "anchor")
        self.assertLess(got.stats.computed_ratio, 0.6)

    def test_dense_attention_with_a_batch_and_a_prefix(self):
        rng = np.random.default_rng(7)
        q = rng.standard_normal((2, 4, 40, 16)).astype(np.float16)
        k, v = rng.standard_normal((2, 2, 2, 70, 16)).astype(np.float16)
        got = self.engine.attention(q, k, v, mode="dense")
        self.assertEqual(got.o.shape, q.shape)
        for b, h, row in ((0, 0, 0), (1, 3, 39), (1, 1, 17)):
            keys = 30 + row + 1
            scores = k[b, h // 2, :keys].astype(float) @ q[b, h, row].astype(float) / 4
            weights = np.exp(scores - scores.max())
            want = weights @ v[b, h // 2, :keys].astype(float) / weights.sum()
            np.testing.assert_allclose(got.o[b, h, row].astype(float), want, atol=3e-3)

    def test_strided_arrays_are_taken_as_they_are(self):
        q, k, v = sample.inputs()
        want = self.engine.attention(q, k, v, **sample.PARAMS)
        swapped = [np.ascontiguousarray(a.transpose(1, 0, 2)).transpose(1, 0, 2) for a in (q, k, v)]
        self.assertFalse(swapped[0].flags.c_contiguous)
        got = self.engine.attention(*swapped, **sample.PARAMS)
        np.testing.assert_array_equal(got.o.view(np.uint16), want.o.view(np.uint16))

    def test_device_buffers_give_the_same_bits(self):
        q, k, v = sample.inputs()
        want = self.engine.attention(q, k, v, **sample.PARAMS)
        with self.engine.plan(**sample.SHAPE, **sample.PARAMS) as plan:
            buffers = [self.device.buffer(a.nbytes) for a in (q, k, v, q)]
            for b, a in zip(buffers, (q, k, v)):
                b.upload(a)
            with self.engine.call(plan, *buffers) as call:
                for _ in range(3):
                    call.run()
                    got = buffers[3].download(q.shape)
                    np.testing.assert_array_equal(got.view(np.uint16), want.o.view(np.uint16))
            for b in buffers:
                b.close()

    def test_start_and_wait(self):
        q, k, v = sample.inputs()
        out = np.empty_like(q)
        with self.engine.plan(**sample.SHAPE, **sample.PARAMS) as plan, self.engine.call(plan, q, k, v, out) as call:
            want = call.run()
            reference = out.copy()
            out[:] = np.nan
            call.start()
            while call.wait(5) is None:
                pass
            np.testing.assert_array_equal(out, reference)
            self.assertEqual(call.wait().mode, want.mode)

    def test_progress_is_told(self):
        q, k, v = sample.inputs()
        told = []
        with self.engine.plan(**sample.SHAPE, **sample.PARAMS) as plan, self.engine.call(plan, q, k, v, np.empty_like(q)) as call:
            call.pace(0.9, told.append)
            call.run()
            self.assertEqual(told[-1], 1.0)
            self.assertEqual(told, sorted(told))
            seen = len(told)
            call.pace()
            call.run()
            self.assertEqual(len(told), seen)

    def test_a_cancelled_call_says_so(self):
        rows, dim = 4096, 64
        q, k, v = np.zeros((3, 8, rows, dim), np.float16)
        with self.engine.plan(heads=8, kv_heads=8, q_len=rows, kv_len=rows, head_dim=dim, mode="dense", slice_ms=5) as plan:
            self.engine.warmup(plan)
            with self.engine.call(plan, q, k, v, np.empty_like(q)) as call:
                call.pace(0.1)  # slow enough to be caught in the middle
                call.start()
                self.assertIsNone(call.wait(0))
                call.cancel()
                with self.assertRaises(anchorvk.Error) as caught:
                    call.wait()
                self.assertEqual(caught.exception.name, "AVK_ERROR_CANCELLED")

    def test_threads_share_an_engine(self):
        q, k, v = sample.inputs()
        want = self.engine.attention(q, k, v, **sample.PARAMS).o.view(np.uint16)
        results = [None] * 4

        def work(i):
            results[i] = self.engine.attention(q, k, v, **sample.PARAMS).o

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for r in results:
            np.testing.assert_array_equal(r.view(np.uint16), want)


class Plans(OnADevice):
    def test_a_plan_tells_what_it_decided(self):
        with self.engine.plan(**sample.SHAPE, **sample.PARAMS) as plan:
            self.assertEqual(plan.details["runs"], "anchor")
            self.assertEqual(plan.details["shape"]["head_dim"], 32)
            self.assertIn("slices", str(plan))
            self.assertEqual(plan.memory["scratch"], plan.details["scratch_bytes"])
            self.assertGreater(plan.memory["total"], plan.memory["scratch"])
            self.engine.warmup(plan)

    def test_a_budget_is_kept(self):
        with self.assertRaises(anchorvk.Error) as caught:
            self.engine.plan(**sample.SHAPE, memory_budget=1000)
        self.assertEqual(caught.exception.name, "AVK_ERROR_MEMORY_BUDGET")


class Errors(OnADevice):
    def test_what_the_library_refuses(self):
        self.fails("AVK_ERROR_NO_DEVICE", "no such device", anchorvk.Device, "no such device")
        self.fails("AVK_ERROR_ARGUMENT", "teleport", anchorvk.Device, disable=["teleport"])
        self.fails("AVK_ERROR_ARGUMENT", "head_dim is 9,", self.engine.plan, heads=1, kv_heads=1, q_len=8, kv_len=8, head_dim=9)
        self.fails("AVK_ERROR_ARGUMENT", "q_len is 9, more than the 8 keys", self.engine.plan, heads=1, kv_heads=1, q_len=9, kv_len=8, head_dim=8)
        self.fails("AVK_ERROR_ARGUMENT", "stripe_share is 2; use a share", self.engine.plan, **sample.SHAPE, stripe_share=2)
        self.fails("AVK_ERROR_ARGUMENT", "size is 0", self.device.buffer, 0)
        with self.device.buffer(64) as buffer:
            self.fails("AVK_ERROR_ARGUMENT", "beyond the 64 bytes", buffer.upload, np.zeros(9), offset=0)

    def test_what_the_module_refuses(self):
        q, k, v = sample.inputs()
        with self.assertRaisesRegex(TypeError, "q must be a numpy array of float16, not float32"):
            self.engine.attention(q.astype(np.float32), k, v)
        with self.assertRaisesRegex(ValueError, r"k has shape"):
            self.engine.attention(q, k[0, 0], v)
        with self.assertRaisesRegex(ValueError, "v has shape"):
            self.engine.attention(q, k, v[:, :100])
        with self.assertRaisesRegex(ValueError, "not backwards: use numpy.ascontiguousarray"):
            self.engine.attention(q, k[:, ::-1], v)
        with self.assertRaisesRegex(ValueError, "q has 512 positions, more than the 100 of k"):
            self.engine.attention(q, k[:, :100], v[:, :100])
        with self.assertRaisesRegex(ValueError, "q has 3 heads, which the 2 of k do not divide"):
            self.engine.attention(q[:3], k, v)
        with self.assertRaisesRegex(ValueError, r"v has shape \(2, 512, 0\), and so no elements"):
            self.engine.attention(q, k, v[:, :, :0])
        with self.assertRaisesRegex(ValueError, "strides"):
            self.engine.attention(q[:, :, ::2], k[:, :, ::2], v[:, :, ::2])
        with self.assertRaisesRegex(ValueError, "mode is 'fast'"):
            self.engine.attention(q, k, v, mode="fast")
        with self.engine.plan(**sample.SHAPE) as plan:
            out = np.empty_like(q)
            out.flags.writeable = False
            with self.assertRaisesRegex(ValueError, "read-only"):
                self.engine.call(plan, q, k, v, out)
            with self.assertRaisesRegex(ValueError, "lse must be"):
                self.engine.call(plan, q, k, v, np.empty_like(q), np.empty(3, np.float32))

    def test_closed_objects_say_so(self):
        device = anchorvk.Device()
        engine = anchorvk.Engine(device)
        device.close()
        device.close()
        self.fails("AVK_ERROR_HANDLE", "was closed", anchorvk.Engine, device)
        q, k, v = sample.inputs()
        self.fails("AVK_ERROR_CLOSED", "closed", engine.attention, q, k, v, **sample.PARAMS)
        engine.close()

    def test_the_collector_closes_what_is_dropped(self):
        buffer = self.device.buffer(64)
        handle = buffer._handle
        del buffer
        gc.collect()
        from anchorvk._library import library

        self.fails("AVK_ERROR_HANDLE", "was closed", library.avk_buffer_close, handle)


class Declarations(unittest.TestCase):
    def test_structs_have_the_sizes_of_the_header(self):
        from anchorvk import _library as lib

        pinned = pathlib.Path(__file__).parents[2] / "capi" / "testdata" / "sizes.txt"
        sizes = dict(line.split(",")[0].split() for line in pinned.read_text().splitlines())
        for name, struct in {
            "avk_device_options": lib.DeviceOptions, "avk_plan_info": lib.PlanInfo, "avk_memory": lib.Memory,
            "avk_tensor": lib.Tensor, "avk_tensors": lib.Tensors, "avk_stats": lib.StatsStruct,
        }.items():
            self.assertEqual(ctypes.sizeof(struct), int(sizes[name]), name)

    def test_an_older_library_is_refused_by_its_version(self):
        from anchorvk import _library as lib

        def function(answer):
            def call(*_):
                return answer

            return call

        older = types.SimpleNamespace(avk_check_abi=function(-6), avk_last_error=function(0), avk_status_name=function(b"AVK_ERROR_ABI_VERSION"))
        with unittest.mock.patch.object(lib.ctypes, "CDLL", lambda _: older), self.assertRaises(anchorvk.Error) as caught:
            lib.Library()
        self.assertEqual(caught.exception.name, "AVK_ERROR_ABI_VERSION")


# An engine that is used in a child: by os.fork, left by sys.exit, whose cleaning
# up closes the objects, and by multiprocessing. The parent's goes on.
FORKS = """
import multiprocessing, os, signal, sys
import numpy as np
import anchorvk

engine = anchorvk.Engine(anchorvk.Device())
q = np.zeros((1, 64, 16), np.float16)

def attend():
    try:
        engine.attention(q, q, q, mode="dense")
    except anchorvk.Error as e:
        assert e.name == "AVK_ERROR_UNSUPPORTED" and "forked" in str(e), e
        return True
    return False

assert not attend()
pid = os.fork()
if pid == 0:
    signal.alarm(20)  # rather than hang
    if not attend():
        os._exit(1)
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
print("fork ok", flush=True)

def child():
    signal.alarm(20)
    sys.exit(0 if attend() else 1)

process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
assert process.exitcode == 0, process.exitcode
print("multiprocessing ok", flush=True)
assert not attend()
print("parent ok", flush=True)
"""


class Process(unittest.TestCase):
    def test_objects_left_open_do_not_hang_the_exit(self):
        code = "import anchorvk; d = anchorvk.Device(); e = anchorvk.Engine(d); b = d.buffer(64); print(d)"
        wrapper = os.environ.get("ANCHORVK_TEST_EXEC", "").split()  # for devices of other Debians
        done = subprocess.run([*wrapper, sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Vulkan", done.stdout)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork on this system")
    def test_a_forked_child_is_told_at_once(self):
        wrapper = os.environ.get("ANCHORVK_TEST_EXEC", "").split()
        done = subprocess.run([*wrapper, sys.executable, "-c", FORKS], timeout=120, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "fork ok\nmultiprocessing ok\nparent ok\n")

    def test_devices(self):
        found = anchorvk.devices()
        self.assertEqual(sum(d["default"] for d in found), 1)


if __name__ == "__main__":
    unittest.main()
