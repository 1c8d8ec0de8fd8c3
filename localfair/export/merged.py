"""The adapter folded into its base: weights that need no PEFT.

Reads the base's safetensors folder (dequantised where there is only a GGUF) and the adapter; writes a folder of
safetensors with the tokenizer. Never merges into 4-bit weights: rounding them again loses the adapter (measured:
models/README.md). Knows nothing of the store.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.models import Model
from localfair.models.gguf_lora import read_config

FLOATS = ("bf16", "fp32")


def merge(base: Path, adapter: Path, precision: str) -> Any:
    """The base's model with the adapter's product added to its weights, in `precision` (bf16 or fp32).

    Under bf16 they are, bit for bit, the weights that the transformers engine examines. Raises ModelError for
    another precision, or an adapter that does not fit the base.
    """
    if precision not in FLOATS:
        raise ModelError(
            f"an adapter is never merged into {precision} weights: it would be lost in their rounding",
            f"merge in {' or '.join(FLOATS)}, and quantise the result (`localfair export gguf --type q8_0`)",
        )
    read_config(adapter)
    from localfair.models.loading import load_causal_lm

    model = load_causal_lm(base, "fp32" if precision == "fp32" else "bf16")
    from peft import PeftModel  # after `weights`, which quietens what it loads

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        try:
            adapted = PeftModel.from_pretrained(model, adapter, local_files_only=True)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(
                f"the adapter in {adapter} does not fit the model in {base}: {reason}",
                "export it from its own run",
            ) from error
    return adapted.merge_and_unload()


def save_merged(merged: Any, base: Path, model: Model, folder: Path) -> None:
    """The merged weights, their configuration and the student's tokenizer with its chat template."""
    from localfair.models.chat import load_tokenizer

    words = load_tokenizer(base)
    words.chat_template = model.chat_template or words.chat_template
    merged.config._name_or_path = ""  # no path of this machine
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bars are not ours
        merged.save_pretrained(folder)
    words.save_pretrained(folder)
