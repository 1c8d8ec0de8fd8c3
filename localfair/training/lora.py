"""The model that is trained: a frozen base, in NF4 or dense, with LoRA weights in float32 on it.

Reads a base's folder of safetensors and, to go on from one, an earlier adapter's; writes nothing.
Knows nothing of lessons or of the loop. LoRA is arXiv 2106.09685, its form over a 4-bit base arXiv
2305.14314.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from localfair.errors import TrainingError
from localfair.models.folder_code import refuse_code_of_adapter
from localfair.models.loading import load_causal_lm
from localfair.models.parsing import library_reading
from localfair.training.settings import TrainSettings

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def lora_model(base_dir: Path, settings: TrainSettings, start: Path | None) -> PeftModel:
    """The base in `base_dir` with fresh LoRA weights, or with those of the adapter in `start`.

    Raises TrainingError when that adapter has another rank or alpha than `settings`.
    """
    precision = "nf4" if settings.quantise == "nf4" else settings.compute
    base = load_causal_lm(base_dir, precision, settings.compute)
    if start is not None:
        return _earlier(base, settings, start)
    return fresh_lora(base, settings, base_dir.name)


def _earlier(base: PreTrainedModel, settings: TrainSettings, start: Path) -> PeftModel:
    refuse_code_of_adapter(start)
    from peft import PeftModel

    with library_reading(start):
        model = PeftModel.from_pretrained(base, start, is_trainable=True, local_files_only=True)
    config = model.peft_config["default"]
    if (config.r, config.lora_alpha) != (settings.rank, settings.alpha):
        raise TrainingError(
            f"the adapter to go on from has rank {config.r} and alpha {config.lora_alpha}, "
            f"not {settings.rank} and {settings.alpha}",
            'give both train steps the same adapter, or set from = "base"',
        )
    return model


def fresh_lora(base: PreTrainedModel, settings: TrainSettings, base_name: str) -> PeftModel:
    """A loaded base with fresh LoRA weights; `base_name` is what the adapter says it belongs to."""
    from peft import LoraConfig, get_peft_model

    targets = settings.targets
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config)
    config.base_model_name_or_path = base_name  # a name for people: no path of this machine
    return model
