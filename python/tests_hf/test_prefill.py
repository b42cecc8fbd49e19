"""Prefill of tiny models by anchorvk, beside the framework's own attention."""

import inspect
import unittest

import numpy as np
import torch
import transformers

import anchorvk
import anchorvk.hf
import models

# float16 queries, keys, values and outputs, against float32.
F16_ERROR = 5e-3


class Prefill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.device = anchorvk.Device()
        cls.engine = anchorvk.Engine(cls.device)

    @classmethod
    def tearDownClass(cls):
        cls.engine.close()
        cls.device.close()

    def prefill(self, **more):
        prefill = anchorvk.hf.Prefill(self.engine, **more)
        prefill.register("anchorvk")
        return prefill

    @torch.no_grad()
    def logits(self, model, tokens, implementation, **more):
        model.set_attn_implementation(implementation)
        return model(torch.tensor(tokens), use_cache=False, **more).logits.double().numpy()

    def test_dense_prefill_gives_the_frameworks_outputs(self):
        for model in (models.llama(), models.qwen3(), models.granite()):
            prefill = self.prefill(mode="dense")
            want = models.attention_outputs(model, models.TOKENS)
            got = models.attention_outputs(model, models.TOKENS, "anchorvk")
            for layer in range(3):
                self.assertLess(models.rel_l2(got[layer], want[layer]), F16_ERROR, f"{type(model).__name__} layer {layer}")
            self.assertEqual((prefill.computed, dict(prefill.left)), (3, {}))

    def test_anchor_prefill_is_that_of_the_engine(self):
        problem = dict(preset="paper", block=16, step=2, theta=1.0, sink_blocks=1, window_blocks=1, no_fallback=True)
        model, prefill = models.llama(), self.prefill(**problem)
        got = models.attention_outputs(model, models.TOKENS, "anchorvk")[0]
        calls = []

        def see(module, q, k, v, mask, **more):
            calls.append([t[0].half().numpy() for t in (q, k, v)])
            return prefill(module, q, k, v, mask, **more)

        transformers.AttentionInterface.register("anchorvk", see)
        again = models.attention_outputs(model, models.TOKENS, "anchorvk")[0]
        np.testing.assert_array_equal(again, got)
        result = self.engine.attention(*calls[0], **problem)
        self.assertLess(result.stats.computed_ratio, 0.9)
        np.testing.assert_array_equal(got, result.o.swapaxes(0, 1).reshape(200, -1).astype(float))
        self.assertGreater(models.rel_l2(got, models.attention_outputs(model, models.TOKENS)[0]), F16_ERROR, "nothing was dropped")

    def test_single_layers_have_parameters_of_their_own(self):
        sparse = dict(preset="paper", block=16, step=2, theta=1.0, no_fallback=True)
        model = models.llama()
        want = models.attention_outputs(model, models.TOKENS)[0]
        self.prefill(layers={0: {"head_modes": ["dense"] * 6}}, **sparse)
        self.assertLess(models.rel_l2(models.attention_outputs(model, models.TOKENS, "anchorvk")[0], want), F16_ERROR)
        self.prefill(layers={1: {"head_modes": ["dense"] * 6}}, **sparse)
        self.assertGreater(models.rel_l2(models.attention_outputs(model, models.TOKENS, "anchorvk")[0], want), F16_ERROR)

    def test_windowed_layers_are_left_to_the_framework(self):
        model, prefill = models.windowed(), self.prefill(mode="dense")
        want = self.logits(model, [models.TOKENS], "sdpa")
        self.assertLess(models.rel_l2(self.logits(model, [models.TOKENS], "anchorvk"), want), F16_ERROR)
        self.assertEqual((prefill.computed, dict(prefill.left)), (1, {"a sliding window of 48 positions": 2}))
        # It tells: the same model without its windows gives something else.
        self.assertGreater(models.rel_l2(self.logits(models.qwen3(), [models.TOKENS], "sdpa"), want), 2 * F16_ERROR)

    def test_padded_batches_are_left_to_the_framework(self):
        model, prefill = models.llama(), self.prefill(mode="dense")
        mask = torch.ones(2, 200, dtype=torch.long)
        mask[1, :80] = 0
        batch = [models.TOKENS, models.TOKENS[::-1]]
        want = self.logits(model, batch, "sdpa", attention_mask=mask)
        got = self.logits(model, batch, "anchorvk", attention_mask=mask)
        np.testing.assert_array_equal(got, want)
        self.assertEqual((prefill.computed, dict(prefill.left)), (0, {"a mask": 3}))

    def test_a_batch_without_padding_is_computed(self):
        model, prefill = models.llama(), self.prefill(mode="dense")
        batch = [models.TOKENS, models.TOKENS[::-1]]
        self.assertLess(models.rel_l2(self.logits(model, batch, "anchorvk"), self.logits(model, batch, "sdpa")), F16_ERROR)
        self.assertEqual(prefill.computed, 3)

    @torch.no_grad()
    def test_generation_prefills_here_and_decodes_there(self):
        model, prefill = models.llama(), self.prefill(mode="dense")
        tokens = torch.tensor([models.TOKENS])
        run = lambda: model.generate(tokens, max_new_tokens=4, do_sample=False, pad_token_id=0, eos_token_id=None)
        want = run()
        model.set_attn_implementation("anchorvk")
        self.assertTrue(torch.equal(run(), want))
        self.assertEqual((prefill.computed, dict(prefill.left)), (3, {"fewer than 64 rows": 9}))

    @torch.no_grad()
    def test_a_later_chunk_of_a_prompt_is_computed(self):
        model, prefill = models.llama(), self.prefill(mode="dense")
        want = self.logits(model, [models.TOKENS], "sdpa")[:, 120:]
        model.set_attn_implementation("anchorvk")
        cache = transformers.DynamicCache(config=model.config)
        # Older versions take any argument that they do not know, and leave it out.
        name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
        model(torch.tensor([models.TOKENS[:120]]), **{name: cache})
        second = model(torch.tensor([models.TOKENS[120:]]), **{name: cache})
        self.assertLess(models.rel_l2(second.logits.double().numpy(), want), F16_ERROR)
        self.assertEqual((prefill.computed, dict(prefill.left)), (6, {}))

    def test_values_beyond_float16_and_gradients_are_left(self):
        model, prefill = models.llama(), self.prefill(mode="dense")
        model.model.layers[1].self_attn.v_proj.weight.data.mul_(1e6)
        want = self.logits(model, [models.TOKENS], "sdpa")
        self.assertLess(models.rel_l2(self.logits(model, [models.TOKENS], "anchorvk"), want), F16_ERROR)
        self.assertEqual((prefill.computed, dict(prefill.left)), (2, {"values beyond float16": 1}))
        model(torch.tensor([models.TOKENS])).logits.sum().backward()
        self.assertEqual(prefill.left["gradients"], 3)

    def test_bfloat16_comes_back_as_bfloat16(self):
        model, prefill = models.llama().to(torch.bfloat16), self.prefill(mode="dense")
        got = self.logits(model, [models.TOKENS], "anchorvk")
        self.assertLess(models.rel_l2(got, self.logits(model, [models.TOKENS], "sdpa")), 0.05)
        self.assertEqual(prefill.computed, 3)

    def test_soft_capping_is_refused(self):
        model = models.random_model(transformers.Gemma2ForCausalLM, transformers.Gemma2Config(**models.SIZES))
        self.prefill()
        with self.assertRaisesRegex(ValueError, "layer 0 has soft-capping of scores.*eager"):
            self.logits(model, [models.TOKENS], "anchorvk")

    def test_sinks_are_refused(self):
        config = transformers.GptOssConfig(**models.SIZES, num_local_experts=2, num_experts_per_tok=1, layer_types=["full_attention"] * 3, attn_implementation="eager")
        model = models.random_model(transformers.GptOssForCausalLM, config)
        prefill = self.prefill()
        with self.assertRaisesRegex(ValueError, "layer 0 has sinks.*eager"):
            self.logits(model, [models.TOKENS], "anchorvk")
        self.assertEqual(prefill.computed, 0)

    def test_arguments(self):
        for more, words in ((dict(tetha=3), "did you mean theta"), (dict(heads=3), "no argument heads"), (dict(layers={0: dict(step2=1)}), "no argument step2")):
            with self.assertRaisesRegex(TypeError, words):
                anchorvk.hf.Prefill(self.engine, **more)


if __name__ == "__main__":
    unittest.main()
