"""Models of Hugging Face transformers: capture of what their attention reads, and prefill by anchorvk.

    import anchorvk, anchorvk.hf

    anchorvk.hf.capture(model, text, "layers", tokenizer=tokenizer)  # files for `anchorvk eval`

    with anchorvk.Device() as device, anchorvk.Engine(device) as engine:
        prefill = anchorvk.hf.Prefill(engine, preset="safe")
        prefill.register("anchorvk")
        model.set_attn_implementation("anchorvk")
        model.generate(...)  # prefill by anchorvk, decoding by the framework
        print(prefill.computed, prefill.left)

Needs torch and transformers (tried with 4.57, 5.0 and 5.24 on torch 2.7), which the package does not install.
`python -m anchorvk.capture --help` captures from the command line.
"""

from ._hf_capture import Captured, capture
from ._hf_prefill import Prefill

__all__ = ["Captured", "Prefill", "capture"]
