"""Queries, keys and values of a transformers model, layer by layer, as files that anchorvk eval reads."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pathlib
import time
from typing import Any, Callable, Iterator, Optional, Sequence, Union

import numpy as np

from . import _check as check
from ._hf_calls import framework, layer_of, register, why_not_plain
from ._tensorfile import read_metadata, write_tensors

import torch  # after _hf_calls, whose error says what to install

IMPLEMENTATION = "anchorvk_capture"


@dataclasses.dataclass(frozen=True)
class Captured:
    """What capture wrote, or found whole: a file for each layer; and why layers were left out."""

    files: dict[int, pathlib.Path]
    left_out: dict[int, str]


class _Enough(Exception):
    """Ends the forward pass when the last wanted layer has been seen."""


def capture(
    model: Any, text: Union[str, Sequence[int]], out: Union[str, pathlib.Path], *, tokenizer: Any = None, layers: Optional[Sequence[int]] = None,
    kv_heads: Optional[Sequence[int]] = None, positions: Optional[int] = None, name: Optional[str] = None, say: Callable[[str], object] = print,
) -> Captured:
    """Prefills the text and writes q, k and v of each layer into out/layer-NN.safetensors.

    model is any of transformers with attention functions (attn_implementation); text is what the
    tokenizer takes, or token ids. layers (from 0) and kv_heads choose, with all query heads of a
    KV head; positions is how many tokens of the text are taken. name stands for the model in the
    metadata. say gets a line of progress for each layer.

    q is [heads, positions, head_dim], k and v are [kv_heads, positions, head_dim], float16, after
    RoPE. The scale is 1/sqrt(head_dim): where a model has another one, q is multiplied by the ratio,
    and the metadata have it as q_factor. One layer at a time is held beside the model.

    A file appears whole or not at all. Layers whose files are there are not written again, so a
    capture that was interrupted goes on with the next layer; the forward pass starts anew.

    Layers that are no plain causal attention (a sliding window, soft-capping, sinks) or whose values
    go beyond float16 are left out, with the reason; where they are named in layers that is a
    ValueError, and so are files of another capture in the same folder.
    """
    wanted, named = _wanted(model, layers), layers is not None
    ids, digest = _tokens(text, tokenizer, positions)
    out = pathlib.Path(out)
    about = {"model": name or getattr(model.config, "_name_or_path", "") or type(model).__name__, **digest, "positions": str(len(ids))}
    job = _Job(model, out, about, kv_heads, set(wanted), say)
    out.mkdir(parents=True, exist_ok=True)
    job.find_finished()
    if job.missing:
        job.run(ids)
    for layer in job.missing:
        job.left_out.setdefault(layer, "the forward pass did not reach its attention through transformers' attention functions")
    for layer, reason in sorted(job.left_out.items()):
        if named:
            raise ValueError(f"layer {layer} cannot be captured: {reason}; leave it out of layers ({len(job.files)} others are in {out})")
        say(f"layer {layer:3d} left out: {reason}")
    return Captured(dict(sorted(job.files.items())), job.left_out)


def _wanted(model: Any, layers: Optional[Sequence[int]]) -> list[int]:
    count = model.config.get_text_config().num_hidden_layers
    return list(range(count)) if layers is None else [check.integer("layers", layer, 0, count - 1) for layer in layers]


def _tokens(text: Union[str, Sequence[int]], tokenizer: Any, positions: Optional[int]) -> tuple[list[int], dict[str, str]]:
    """Token ids, and what tells them from those of another text."""
    if isinstance(text, str):
        if tokenizer is None:
            raise TypeError("a text needs tokenizer; or pass token ids")
        ids = [int(i) for i in tokenizer(text)["input_ids"]]
        digest = {"text_sha256": hashlib.sha256(text.encode()).hexdigest()}
    else:
        ids = [check.integer("text", i, 0, check.MAX_INT32) for i in text]
        digest = {"tokens_sha256": hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()}
    if positions is not None and check.integer("positions", positions, 1, check.MAX_INT32) > len(ids):
        raise ValueError(f"the text has {len(ids)} tokens, and positions is {positions}; use a longer text or fewer positions")
    ids = ids[:positions]
    if len(ids) < 2:
        raise ValueError(f"the text has {len(ids)} tokens; attention needs two or more")
    return ids, digest


class _Job:
    """One forward pass and the files it fills."""

    def __init__(self, model: Any, out: pathlib.Path, about: dict[str, str], kv_heads: Optional[Sequence[int]], missing: set[int], say: Callable[[str], object]) -> None:
        self.model, self.out, self.about, self.kv_heads, self.missing, self.say = model, out, about, kv_heads, missing, say
        self.layers = model.config.get_text_config().num_hidden_layers
        self.files: dict[int, pathlib.Path] = {}
        self.left_out: dict[int, str] = {}
        self.began = time.monotonic()

    def path(self, layer: int) -> pathlib.Path:
        return self.out / f"layer-{layer:02d}.safetensors"

    def find_finished(self) -> None:
        for layer in sorted(self.missing):
            path = self.path(layer)
            if path.exists():
                self._check_same(path, layer)
                self.files[layer] = path
                self.missing.discard(layer)
        if self.files:
            self.say(f"{len(self.files)} of {len(self.files) + len(self.missing)} layers are in {self.out} already")

    def _check_same(self, path: pathlib.Path, layer: int) -> None:
        found = read_metadata(path)
        if found is None:
            raise ValueError(f"{path} is no whole safetensors file, and no capture writes one in parts; remove it, or take another folder")
        every = ",".join(map(str, range(int(found.get("model_kv_heads", 0)))))
        kv_heads = every if self.kv_heads is None else ",".join(map(str, self.kv_heads))
        for key, value in {**self.about, "layer": str(layer), "kv_heads": kv_heads}.items():
            if found.get(key) != value:
                raise ValueError(f"{path} is of another capture: its {key} is {found.get(key)!r}, not {value!r}; remove it, or take another folder")

    def run(self, ids: list[int]) -> None:
        register(IMPLEMENTATION, self._attention)
        model = self.model
        body = getattr(model, "base_model", model)  # without the logits of every position
        with _attention_of(model, IMPLEMENTATION), torch.no_grad(), contextlib.suppress(_Enough):
            device = next(model.parameters()).device
            body(input_ids=torch.tensor([ids], device=device), use_cache=False)

    def _attention(self, module: Any, query: Any, key: Any, value: Any, mask: Any, **more: Any) -> tuple[Any, Any]:
        layer = layer_of(module)
        if layer in self.missing:
            reason = why_not_plain(module, query, key, value, mask, more)
            if reason is None and key.shape[3] != value.shape[3]:
                reason = f"keys of {key.shape[3]} elements and values of {value.shape[3]}"
            reason = reason or self._write(layer, query[0], key[0], value[0], more.get("scaling"))
            if reason is not None:
                self.left_out[layer] = reason
            self.missing.discard(layer)
            if not self.missing:
                raise _Enough
        return framework(module, query, key, value, mask, **more)

    def _write(self, layer: int, q: Any, k: Any, v: Any, scaling: Optional[float]) -> Optional[str]:
        total = k.shape[0]
        chosen = list(range(total)) if self.kv_heads is None else [check.integer("kv_heads", h, 0, total - 1) for h in self.kv_heads]
        share = q.shape[0] // total
        heads = [h * share + i for h in chosen for i in range(share)]
        metadata = {
            **self.about, "layer": str(layer), "heads": ",".join(map(str, heads)), "kv_heads": ",".join(map(str, chosen)),
            "model_layers": str(self.layers), "model_kv_heads": str(total), "rope": "applied", "scale": "1/sqrt(head_dim)",
        }
        factor = 1.0 if scaling is None else float(scaling) * q.shape[2] ** 0.5
        if abs(factor - 1) > 1e-6:
            q = q.float() * factor
            metadata["q_factor"] = f"{factor:.9g}"
        tensors = {}
        for name, tensor, rows in (("q", q, heads), ("k", k, chosen), ("v", v, chosen)):
            wide = tensor[rows].float().cpu().numpy()
            with np.errstate(over="ignore"):
                tensors[name] = wide.astype(np.float16)
            if not np.array_equal(np.isinf(tensors[name]), np.isinf(wide)):
                return f"{name} reaches {np.abs(wide).max():.3g}, beyond float16"
        path = self.path(layer)
        size = write_tensors(path, tensors, metadata)
        self.files[layer] = path
        shapes = f"q {list(tensors['q'].shape)}, k and v {list(tensors['k'].shape)}"
        self.say(f"layer {layer:3d} of {self.layers}, {time.monotonic() - self.began:.0f} s: {shapes}, {size / 1e6:.1f} MB")
        return None


@contextlib.contextmanager
def _attention_of(model: Any, name: str) -> Iterator[None]:
    """Another attention function for a while."""
    before = model.config._attn_implementation
    model.set_attn_implementation(name)
    if model.config._attn_implementation != name:
        raise ValueError(f"{type(model).__name__} does not let its attention function be set, so that it cannot be captured here")
    try:
        yield
    finally:
        model.set_attn_implementation(before)
