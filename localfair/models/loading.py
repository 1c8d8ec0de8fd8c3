"""A folder of safetensors to a model in memory, and a LoRA adapter to a folder.

Reads and writes weights by local path only; the network and the hub are never asked. Knows nothing
of model cards, lessons or requests.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from localfair.errors import CorruptWeights, MissingDependency
from localfair.machine.files import replacing
from localfair.machine.hardware import usual_precision
from localfair.machine.terminal import one_line
from localfair.models.folder_code import refuse_code_of_adapter, refuse_deep_vocabulary
from localfair.models.parsing import library_reading, shown_path
from localfair.models.safetensors_folder import read_folder, weight_files
from localfair.models.safetensors_header import check_safetensors

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

# it proposes a package that would fetch kernels from the hub
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

Precision = Literal["bf16", "fp32", "nf4"]
ADAPTER_FILE = "adapter_model.safetensors"
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def load_causal_lm(
    folder: Path, precision: Precision, compute: Literal["bf16", "fp32"] | None = None
) -> PreTrainedModel:
    """The model in `folder`, safetensors only, on the GPU where there is one.

    Under `nf4`, `compute` is what stays dense beside 4-bit layers and what these compute in: the
    machine's usual precision when it is left out. Code of the model's own is never run. Raises
    MissingDependency for `nf4` without bitsandbytes, ModelError for a folder that `read_folder`
    refuses or that transformers cannot load.
    """
    _must_have_its_layers(folder)
    refuse_deep_vocabulary(folder)
    transformers_logging.disable_progress_bar()
    options: dict[str, Any] = {}
    dense: str = precision
    if precision == "nf4":
        dense = compute or usual_precision()
        options["quantization_config"] = _nf4(DTYPES[dense])
    with library_reading(folder):
        model, loaded = AutoModelForCausalLM.from_pretrained(
            folder,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=DTYPES[dense],
            attn_implementation="sdpa",
            device_map={"": device()},
            **options,
        )
    if loaded["missing_keys"]:
        # transformers has made them up, and warned
        name = one_line(min(loaded["missing_keys"]), 80)
        raise CorruptWeights(
            f"{shown_path(folder)} lacks weights of its model, {name} among them",
            "get the folder again",
        )
    guard_cpu_4bit(model)
    return model


def _must_have_its_layers(folder: Path) -> None:
    """Raises as `read_folder`, and for more layers than weights: all of them would be made up."""
    layers = read_folder(folder).sizes.layers
    tensors = sum(len(check_safetensors(shard)) for shard in weight_files(folder))
    if layers > tensors:
        raise CorruptWeights(
            f"{shown_path(folder)} says {layers} layers and holds {tensors} weights",
            "get the folder again",
        )


def _nf4(compute: torch.dtype) -> BitsAndBytesConfig:
    """4-bit NormalFloat with double quantisation (QLoRA, arXiv 2305.14314)."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingDependency(
            "NF4 needs the package 'bitsandbytes'", "pip install 'localfair[train]'"
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


def guard_cpu_4bit(model: PreTrainedModel) -> None:
    """Keep 4-bit layers off bitsandbytes' AVX512_BF16 path; call it right after loading.

    There the first eval-mode forward repacks the weights for good, and every gradient taken later
    is wrong (bitsandbytes 0.50.2: cosine 0.08 to the right one) with no more than a warning.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def with_adapter(
    model: PreTrainedModel, adapter: Path | None, precision: Precision
) -> PreTrainedModel | PeftModel:
    """The model with the trained adapter in a folder, or as it is when there is none.

    The adapter is merged into a dense base; over a 4-bit base it stays beside it, where merging
    would round it away.
    """
    if adapter is None:
        return model
    refuse_code_of_adapter(adapter)
    from peft import PeftModel

    with warnings.catch_warnings(), library_reading(adapter):
        warnings.simplefilter("ignore", FutureWarning)  # names that change in a later transformers
        adapted = PeftModel.from_pretrained(model, adapter, local_files_only=True)
    return adapted if precision == "nf4" else adapted.merge_and_unload()


def device() -> str:
    """Where models run: this process's GPU, by torch's launcher, else the first; or the CPU."""
    if not torch.cuda.is_available():
        return "cpu"
    rank = os.environ.get("LOCAL_RANK", 0)
    return f"cuda:{rank}"


def save_adapter(model: PeftModel, folder: Path) -> None:
    """The LoRA weights and their configuration, weights last and whole; the hub is not asked."""
    from peft import get_peft_model_state_dict

    folder.mkdir(parents=True, exist_ok=True)
    model.peft_config["default"].save_pretrained(folder)
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    tensors = {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}
    with replacing(folder / ADAPTER_FILE) as written:
        save_file(tensors, written, {"format": "pt"})
