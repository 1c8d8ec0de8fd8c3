"""The adapter folded into its base: weights that need no PEFT.

Reads the base's safetensors folder (dequantised where there is only a GGUF) and the adapter;
writes a folder of safetensors with the tokenizer. Never merges into 4-bit weights: rounding
them again loses the adapter (measured: models/README.md). Knows nothing of the store.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.errors import ModelError
from localfair.export.transformers_4 import readable_config, readable_tokenizer
from localfair.machine.terminal import one_line
from localfair.models import Model
from localfair.models.folder_code import refuse_code_of_adapter
from localfair.models.gguf_lora import read_config
from localfair.models.parsing import library_reading

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PRECISIONS = ("bf16", "fp32")


def merge(base: Path, adapter: Path, precision: str) -> PreTrainedModel:
    """The base's model with the adapter added to its weights, in `precision` (bf16 or fp32).

    In bf16 the weights are, bit for bit, those that the transformers engine examines. Raises
    ModelError for another precision, or when the adapter does not fit the base.
    """
    if precision not in PRECISIONS:
        raise ModelError(
            f"an adapter is never merged into {precision} weights: "
            "it would be lost in their rounding",
            f"merge in {' or '.join(PRECISIONS)}, "
            "and quantise the result (`localfair export gguf --type q8_0`)",
        )
    read_config(adapter)
    refuse_code_of_adapter(adapter)
    from localfair.models.loading import load_causal_lm

    model = load_causal_lm(base, "fp32" if precision == "fp32" else "bf16")
    from peft import PeftModel  # after `loading`, which quietens the libraries that PEFT loads

    with warnings.catch_warnings(), library_reading(adapter):
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        try:
            adapted = PeftModel.from_pretrained(model, adapter, local_files_only=True)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"the adapter in {adapter} does not fit the model in {base}: {_first_line(error)}",
                "export it from its own run",
            ) from error
    return adapted.merge_and_unload()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return one_line(lines[0]) if lines else type(error).__name__


def save_merged(merged: PreTrainedModel, base: Path, model: Model, folder: Path) -> None:
    """Save the merged weights, their configuration, and the tokenizer with its chat template.

    transformers 4.57 and 5 read the folder alike.
    """
    merged.config._name_or_path = ""  # else the saved configuration holds a path of this machine
    with contextlib.redirect_stderr(io.StringIO()):  # transformers draws progress bars of its own
        merged.save_pretrained(folder)
    readable_config(folder, bool(merged.config.tie_word_embeddings))
    save_tokenizer(base, model, folder)


def save_tokenizer(base: Path, model: Model, folder: Path) -> None:
    """Save the base's tokenizer with the chat template that the student was examined with."""
    from localfair.models.chat import load_tokenizer, with_bos

    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = model.chat_template or tokenizer.chat_template
    tokenizer.chat_template = with_bos(tokenizer)
    tokenizer.save_pretrained(folder)
    readable_tokenizer(folder)
