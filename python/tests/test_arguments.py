"""Arguments: what is refused, in which words, and what may be passed in several ways."""

import unittest

import numpy as np

import anchorvk
import sample
from ondevice import OnADevice


class Weighted(np.ndarray):
    """Stands for subclasses that give elements another meaning."""


class Checks(OnADevice):
    """Every number and text that goes to C is looked at before ctypes cuts it."""

    def test_numbers(self):
        plan, inf, nan = lambda **change: self.engine.plan(**{**sample.SHAPE, **change}).close(), float("inf"), float("nan")
        q, k, v = sample.inputs()
        integers = ["heads", "kv_heads", "q_len", "kv_len", "head_dim", "batch", "step", "block", "sink_blocks", "window_blocks", "tail", "scratch_bytes", "memory_budget"]
        reals = ["theta", "scale", "slice_ms", "stripe_share"]
        flags = ["no_fallback", "device_tensors"]
        profile = anchorvk.Profile({"schema": 1, "preset": "safe"})
        functions = {name: (lambda value, name=name: plan(**{name: value})) for name in [*integers, *reals, *flags, "tier", "mode", "preset", "guard", "head_modes"]}
        functions["layer"] = lambda value: plan(profile=profile, layer=value)
        functions["profile"] = lambda value: plan(profile=value, layer=0)
        functions["layers"] = lambda value: profile.check(value, 1)
        functions["check heads"] = lambda value: profile.check(1, value)
        integers += ["layer", "layers", "check heads"]
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
            rest = {"profile", "tier", "mode", "preset", "guard", "head_modes", "Device device", "Device cache_dir", "Device disable", "Device priority", "progress", "layout"}
            self.assertEqual(set(functions), {*integers, *reals, *flags, *rest})
            wrong = {name: [True, np.True_, 1.0, 1.5, "1", nan, np.float32(1), [1], -1, 2**64, 2**70, -(2**63)] for name in integers}
            for name in ("step", "block", "sink_blocks", "window_blocks", "tail"):
                wrong[name] += [2**32 + 16, 2**31]
            for name in reals:
                wrong[name] = [True, np.False_, "1", 1j, [1], nan, np.float16("nan"), 10**400]
                if name not in ("theta", "timeout_ms"):  # the paper's threshold, and no limit
                    wrong[name] += [inf, -inf]
            for name in flags:
                wrong[name] = [0, 1, 2, "yes", np.zeros(2)]
            wrong["tier"] = [b"scalar", 1, "scalar\0"]
            wrong["mode"] = ["fast", 0, None, ["anchor"]]
            wrong["preset"] = [b"safe", 1, "safe\0"]
            wrong["guard"] = ["off", 32, (32, 0.01), (32.5, 0.01, 0.02), (0, 0.01, 0.02), (32, True, 0.02), (32, 0.01, nan), (2**32, 0.01, 0.02)]
            wrong["head_modes"] = ["dense", 3, ["dense"], [3] * 9, ["dense", "fast", None, None], [nan, None, None, None], [True, None, None, None]]
            wrong["profile"] = ["model.json", {"schema": 1, "preset": "safe"}, True, 3]
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


class Arrays(OnADevice):
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
        with self.assertRaisesRegex(ValueError, 'q and k have 70 heads of 4 positions, or 4 heads of 70 positions, which is as likely; name the layout: layout="bshd"'):
            self.engine.attention(q, k, v, mode="dense")
        for queries, keys in ((q, k[:, :, :2]), (q[:, :6], k)):  # shared heads and a prefix in the other layout break a check
            with self.assertRaisesRegex(ValueError, 'or name the layout: layout="bshd"'):
                self.engine.attention(queries, keys, keys, mode="dense")
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


if __name__ == "__main__":
    unittest.main()
