"""A folder of safetensors to a model in memory, and a LoRA adapter to a folder.

Reads and writes weights by local path only; the network and the hub are never asked. Knows nothing of
model cards, lessons or requests.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from localfair.errors import MissingDependency
from localfair.machine.hardware import usual_precision

# it proposes a package that would fetch kernels from the hub
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

Precision = Literal["bf16", "fp32", "nf4"]
ADAPTER_FILE = "adapter_model.safetensors"


def load_causal_lm(
    folder: Path, precision: Precision, compute: Literal["bf16", "fp32"] | None = None
) -> Any:
    """The model in `folder` (safetensors only, never from the network), on the GPU where there is one.

    What stays dense beside 4-bit layers, and what these compute in, is `compute`: the machine's usual precision.
    """
    transformers_logging.disable_progress_bar()
    dense = (compute or usual_precision()) if precision == "nf4" else precision
    options: dict[str, Any] = {"dtype": torch.float32 if dense == "fp32" else torch.bfloat16}
    if precision == "nf4":
        if importlib.util.find_spec("bitsandbytes") is None:
            raise MissingDependency(
                "NF4 needs the package 'bitsandbytes'", "pip install 'localfair[train]'"
            )
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        attn_implementation="sdpa",
        device_map={"": device()},
        **options,
    )
    guard_cpu_4bit(model)
    return model


def guard_cpu_4bit(model: Any) -> None:
    """Keep 4-bit layers off bitsandbytes' AVX512_BF16 path; call it right after loading.

    There the first eval-mode forward repacks the weights for good, and every gradient taken later is wrong
    (bitsandbytes 0.50.2: cosine 0.08 to the right one) with no more than a warning.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def with_adapter(model: Any, adapter: Path | None, precision: Precision) -> Any:
    """The model with a trained adapter: merged into a dense base, beside a 4-bit one, where merging loses it."""
    if adapter is None:
        return model
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        adapted = PeftModel.from_pretrained(model, adapter, local_files_only=True)
    return adapted if precision == "nf4" else adapted.merge_and_unload()


def device() -> str:
    """Where models run: this process's GPU (the first, unless torch's launcher says another), or the CPU."""
    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"


def save_adapter(model: Any, folder: Path) -> None:
    """The LoRA weights and their configuration, weights last and whole; the hub is not asked."""
    from peft import get_peft_model_state_dict

    folder.mkdir(parents=True, exist_ok=True)
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    model.peft_config["default"].save_pretrained(folder)
    part = folder / (ADAPTER_FILE + ".part")
    save_file(
        {name: w.detach().cpu().contiguous() for name, w in weights.items()}, part, {"format": "pt"}
    )
    part.replace(folder / ADAPTER_FILE)
