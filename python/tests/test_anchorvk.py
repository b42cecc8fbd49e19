"""Tests of the installed package, on the machine's Vulkan device."""

import ctypes
import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

import numpy as np

import anchorvk
import sample


class Weighted(np.ndarray):
    """Stands for subclasses that give elements another meaning."""


class OnADevice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.device = anchorvk.Device()
        cls.engine = anchorvk.Engine(cls.device)

    @classmethod
    def tearDownClass(cls):
        cls.engine.close()
        cls.device.close()


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
    def fails(self, name, words, function, *args, **kwargs):
        with self.assertRaises(anchorvk.Error) as caught:
            function(*args, **kwargs)
        self.assertEqual(caught.exception.name, name)
        self.assertIn(words, str(caught.exception))

    def test_what_the_library_refuses(self):
        self.fails("AVK_ERROR_NO_DEVICE", "no such device", anchorvk.Device, "no such device")
        self.fails("AVK_ERROR_ARGUMENT", "teleport", anchorvk.Device, disable=["teleport"])
        self.fails("AVK_ERROR_ARGUMENT", "head_dim is 9,", self.engine.plan, heads=1, kv_heads=1, q_len=8, kv_len=8, head_dim=9)
        self.fails("AVK_ERROR_ARGUMENT", "q_len is 9, more than the 8 keys", self.engine.plan, heads=1, kv_heads=1, q_len=9, kv_len=8, head_dim=8)
        self.fails("AVK_ERROR_ARGUMENT", "stripe_share is 2; use a share", self.engine.plan, **sample.SHAPE, stripe_share=2)
        self.fails("AVK_ERROR_ARGUMENT", "size is 0", self.device.buffer, 0)
        with self.device.buffer(64) as buffer:
            self.fails("AVK_ERROR_ARGUMENT", "beyond the 64 bytes", buffer.upload, np.zeros(9), offset=0)

    def test_outputs_over_inputs_are_refused(self):
        q, k, v = sample.inputs()
        both = np.zeros((5, *k.shape[1:]), np.float16)  # o of four heads and k of two share one
        with self.engine.plan(**sample.SHAPE) as plan:
            self.fails("AVK_ERROR_ARGUMENT", "o shares memory with k", self.engine.call, plan, q, both[3:], v, both[:4])
            self.fails("AVK_ERROR_ARGUMENT", "o shares memory with q", self.engine.call, plan, both[1:], k, v, both[:4])
            lse = q.view(np.float32).reshape(-1)[: 4 * 512].reshape(1, 4, 512)
            self.fails("AVK_ERROR_ARGUMENT", "lse shares memory with q", self.engine.call, plan, q, k, v, np.empty_like(q), lse)
            with self.assertRaisesRegex(ValueError, "o has strides .* its rows overlap"):
                self.engine.call(plan, q, k, v, np.lib.stride_tricks.as_strided(np.empty_like(q), q.shape, (0, *q.strides[1:])))
            want = self.engine.attention(q, k, v).o
            with self.engine.call(plan, q, k, v, q) as call:  # exactly over q
                call.run()
            np.testing.assert_array_equal(q.view(np.uint16), want.view(np.uint16))

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

    def test_arrays_that_mean_more_than_their_elements(self):
        q, k, v = sample.inputs()
        masked = np.ma.masked_array(k, k > 1)
        with self.assertRaisesRegex(TypeError, "k is a masked array"):
            self.engine.attention(q, masked, v)
        with self.assertRaisesRegex(TypeError, "q is a recarray, not a plain numpy array"):
            self.engine.attention(q.view(np.recarray), k, v)
        with self.engine.plan(**sample.SHAPE) as plan, self.assertRaisesRegex(TypeError, "o is a masked array"):
            self.engine.call(plan, q, k, v, np.ma.masked_array(np.empty_like(q)))
        with self.device.buffer(masked.nbytes) as buffer:
            for array, words in ((masked, "masked array"), (np.array([None]), "Python objects"), ([object()], "Python objects"), (np.ones(2).view(Weighted), "Weighted")):
                with self.assertRaisesRegex(TypeError, words):
                    buffer.upload(array)
            with self.assertRaisesRegex(TypeError, "Python objects"):
                buffer.download((2,), dtype=object)
            buffer.upload([1, 2, 3])  # what numpy makes an array of is fine
            self.assertEqual(list(buffer.download((3,), np.int64)), [1, 2, 3])

    def test_value_dimensions_say_what_helps(self):
        q, k, v = sample.inputs()
        want = self.engine.attention(q, k, v, mode="dense").o
        with self.assertRaisesRegex(ValueError, r"v has head_dim 24, and k 32.*numpy\.pad\(v, .*\(0, 8\).*o\[\.\.\., :24\]"):
            self.engine.attention(q, k, v[:, :, :24], mode="dense")
        padded = np.pad(v[:, :, :24], [(0, 0)] * (v.ndim - 1) + [(0, 8)])  # as the text says
        np.testing.assert_array_equal(self.engine.attention(q, k, padded, mode="dense").o[..., :24], want[..., :24])
        with self.assertRaisesRegex(ValueError, r"pad q and k .*\(0, 8\).*scale=24\*\*-0\.5"):
            self.engine.attention(q[:, :, :24], k[:, :, :24], v, mode="dense")
        with self.assertRaisesRegex(ValueError, "k has head_dim 24, and q 32"):
            self.engine.attention(q, k[:, :, :24], v)
        with self.engine.plan(**sample.SHAPE) as plan, self.assertRaisesRegex(ValueError, "v has head_dim 24"):
            self.engine.call(plan, q, k, v[:, :, :24], np.empty_like(q))
        self.fails("AVK_ERROR_ARGUMENT", "neither padding nor splitting helps", self.engine.plan, heads=1, kv_heads=1, q_len=1, kv_len=1, head_dim=576)

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


class Checks(OnADevice):
    """Every number and text that goes to C is looked at before ctypes cuts it."""

    def test_numbers(self):
        plan, inf, nan = lambda **change: self.engine.plan(**{**sample.SHAPE, **change}).close(), float("inf"), float("nan")
        q, k, v = sample.inputs()
        integers = ["heads", "kv_heads", "q_len", "kv_len", "head_dim", "batch", "step", "block", "sink_blocks", "window_blocks", "scratch_bytes", "memory_budget"]
        reals = ["theta", "scale", "slice_ms", "stripe_share"]
        flags = ["no_fallback", "device_tensors"]
        functions = {name: (lambda value, name=name: plan(**{name: value})) for name in [*integers, *reals, *flags, "tier", "mode"]}
        opened = lambda **change: anchorvk.Device(**change).close()
        functions.update({f"Device {name}": (lambda value, name=name: opened(**{name: value})) for name in ("memory_budget", "timeout_ms", "validate", "device", "cache_dir", "disable", "priority")})
        with self.device.buffer(64) as buffer, self.engine.plan(**sample.SHAPE) as whole, self.engine.call(whole, q, k, v, np.empty_like(q)) as call:
            functions["size"] = lambda value: self.device.buffer(value).close()
            functions["upload offset"] = lambda value: buffer.upload(np.zeros(1), offset=value)
            functions["download offset"] = lambda value: buffer.download((1,), offset=value)
            functions["timeout_ms"] = lambda value: call.wait(value)
            functions["duty_cycle"] = lambda value: call.pace(value)
            functions["progress"] = lambda value: call.pace(0, value)
            functions["lse"] = lambda value: self.engine.attention(q, k, v, lse=value)
            functions["stripes"] = lambda value: self.engine.attention(q, k, v, stripes=value)
            functions["layout"] = lambda value: self.engine.attention(q, k, v, layout=value)
            integers += ["Device memory_budget", "size", "upload offset", "download offset"]
            reals += ["Device timeout_ms", "timeout_ms", "duty_cycle"]
            flags += ["Device validate", "lse", "stripes"]
            rest = {"tier", "mode", "Device device", "Device cache_dir", "Device disable", "Device priority", "progress", "layout"}
            self.assertEqual(set(functions), {*integers, *reals, *flags, *rest})
            wrong = {name: [True, np.True_, 1.0, 1.5, "1", nan, np.float32(1), [1], -1, 2**64, 2**70, -(2**63)] for name in integers}
            for name in ("step", "block", "sink_blocks", "window_blocks"):
                wrong[name] += [2**32 + 16, 2**31]
            for name in reals:
                wrong[name] = [True, np.False_, "1", 1j, [1], nan, np.float16("nan"), 10**400]
                if name not in ("theta", "timeout_ms"):  # the paper's threshold, and no limit
                    wrong[name] += [inf, -inf]
            for name in flags:
                wrong[name] = [0, 1, 2, "yes", np.zeros(2)]
            wrong["tier"] = [b"scalar", 1, "scalar\0"]
            wrong["mode"] = ["fast", 0, None, ["anchor"]]
            wrong["layout"] = ["sbhd", 0, True, "BSHD"]
            wrong["progress"] = [3, "print"]
            wrong["Device device"] = [True, -1, 1.0, b"0", "llvm\0pipe"]
            wrong["Device cache_dir"] = [b"x", 3, "a\0b"]
            wrong["Device disable"] = [[1], ["float16", None, 3], "float\00016", 7]
            wrong["Device priority"] = [0, "urgent", None]
            for name, values in wrong.items():
                for value in values:
                    with self.subTest(name, value=value), self.assertRaises((TypeError, ValueError)) as caught:
                        functions[name](value)
                    if name != "Device disable" or value != 7:
                        self.assertIn(name.split()[-1], str(caught.exception))
            self.assertIsNone(call.pace(np.float32(0.5)))

    def test_numbers_of_numpy_are_taken(self):
        shape = {name: np.int32(value) for name, value in sample.SHAPE.items()}
        with self.engine.plan(**shape, step=np.uint8(4), block=np.int64(16), theta=np.float32(2), no_fallback=np.True_, scratch_bytes=np.uint64(1 << 20)) as plan:
            self.assertEqual(plan.details["shape"]["q_len"], 512)
            self.assertIn("theta 2, step 4, block 16", str(plan))
            self.assertEqual(plan.stripes_shape, (1, 4, 8, 512))
        with self.engine.plan(**sample.SHAPE, theta=float("-inf"), no_fallback=True) as plan:
            self.assertIn("theta -Inf", str(plan))

    def test_keywords(self):
        q, k, v = sample.inputs()
        with self.assertRaisesRegex(TypeError, r"attention\(\) has no argument thetta; did you mean theta\?"):
            self.engine.attention(q, k, v, thetta=3)
        with self.assertRaisesRegex(TypeError, r"plan\(\) has no argument windowblocks; did you mean window_blocks\?"):
            self.engine.plan(**sample.SHAPE, windowblocks=1)
        with self.assertRaisesRegex(TypeError, r"plan\(\) has no argument xyz; it takes heads, kv_heads, .*device_tensors$"):
            self.engine.plan(**sample.SHAPE, xyz=1)
        with self.assertRaisesRegex(TypeError, r"plan\(\) needs kv_len, head_dim$"):
            self.engine.plan(heads=1, kv_heads=1, q_len=1)
        with self.assertRaisesRegex(TypeError, r"attention\(\) has no argument heads"):
            self.engine.attention(q, k, v, heads=4)


class Layouts(OnADevice):
    def test_positions_before_heads(self):
        q, k, v = sample.inputs()
        want = self.engine.attention(q, k, v, lse=True, stripes=True, **sample.PARAMS)
        other = [np.ascontiguousarray(a.transpose(1, 0, 2)) for a in (q, k, v)]
        for arrays in (other, [a[np.newaxis] for a in other]):
            got = self.engine.attention(*arrays, layout="bshd", lse=True, stripes=True, **sample.PARAMS)
            self.assertEqual(got.o.shape, arrays[0].shape)
            np.testing.assert_array_equal(got.o.reshape(other[0].shape).transpose(1, 0, 2), want.o)
            np.testing.assert_array_equal(got.lse.reshape(want.lse.shape), want.lse)
            np.testing.assert_array_equal(got.stripes.reshape(want.stripes.shape), want.stripes)
        np.testing.assert_array_equal(self.engine.attention(q, k, v, layout="bhsd", **sample.PARAMS).o, want.o)
        with self.engine.plan(**sample.SHAPE, **sample.PARAMS) as plan:
            out = np.empty_like(other[0])
            with self.engine.call(plan, *other, out, layout="bshd") as call:
                call.run()
            np.testing.assert_array_equal(out.transpose(1, 0, 2), want.o)
            with self.assertRaisesRegex(ValueError, r'q has shape \(512, 4, 32\) where \(1, 4, 512, 32\) is needed.*pass layout="bshd"'):
                self.engine.call(plan, *other, out)
            with self.assertRaisesRegex(ValueError, r'q has shape .* where \(1, 512, 4, 32\) is needed.*pass layout="bhsd"'):
                self.engine.call(plan, q, k, v, np.empty_like(q), layout="bshd")
            buffers = [self.device.buffer(a.nbytes) for a in (*other, out)]
            for b, a in zip(buffers, other):
                b.upload(a)
            with self.engine.call(plan, *buffers, layout="bshd") as call:
                call.run()
            np.testing.assert_array_equal(buffers[3].download(out.shape).transpose(1, 0, 2), want.o)

    def test_arrays_that_look_like_the_other_layout(self):
        rng = np.random.default_rng(3)
        q, k, v = rng.standard_normal((3, 1, 70, 4, 16)).astype(np.float16)
        with self.assertRaisesRegex(ValueError, 'k has 70 heads of 4 positions .*looks like the other layout; name the layout: layout="bshd"'):
            self.engine.attention(q, k, v, mode="dense")
        whole = self.engine.attention(q, k, v, mode="dense", layout="bshd")
        np.testing.assert_array_equal(whole.o[0, 0], v[0, 0])  # the first position sees itself alone
        taken = self.engine.attention(q, k, v, mode="dense", layout="bhsd")
        np.testing.assert_array_equal(taken.o[0, :, 0], v[0, :, 0])
        one = self.engine.attention(q[0, :8, :1], k[0, :4], v[0, :4], mode="dense")  # one row of eight heads, as decoding has
        self.assertEqual(one.o.shape, (8, 1, 16))
        with self.assertWarnsRegex(UserWarning, "q has 130 heads .*looks like a length"):
            self.engine.attention(np.zeros((130, 4, 8), np.float16), k[0, :2, :, :8], v[0, :2, :, :8], mode="dense")

    def test_repeated_heads(self):
        q, k, v = sample.inputs()
        want = self.engine.attention(q, np.repeat(k[:1], 4, 0), np.repeat(v[:1], 4, 0), **sample.PARAMS)
        got = self.engine.attention(q, np.broadcast_to(k[:1], q.shape), np.broadcast_to(v[:1], q.shape), **sample.PARAMS)
        np.testing.assert_array_equal(got.o.view(np.uint16), want.o.view(np.uint16))


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


class Process(unittest.TestCase):
    def test_objects_left_open_do_not_hang_the_exit(self):
        code = "import anchorvk; d = anchorvk.Device(); e = anchorvk.Engine(d); b = d.buffer(64); print(d)"
        wrapper = os.environ.get("ANCHORVK_TEST_EXEC", "").split()  # for devices of other Debians
        done = subprocess.run([*wrapper, sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Vulkan", done.stdout)

    def test_devices(self):
        found = anchorvk.devices()
        self.assertEqual(sum(d["default"] for d in found), 1)


if __name__ == "__main__":
    unittest.main()
