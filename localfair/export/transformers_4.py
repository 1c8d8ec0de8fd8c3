"""A folder that transformers 5 saved, made to mean the same to transformers 4.57.

Version 4 does not know the newer names: it takes the default rotation base for the one in
`rope_parameters` and says nothing, and refuses the newer tokenizer class. So both spellings stand
in the folder. Rewrites its JSON files; knows nothing of weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localfair.machine.terminal import warn

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# reads tokenizer.json and adds nothing of its own, in both versions
TOKENIZER_CLASS = "PreTrainedTokenizerFast"
# that class would hand a causal model token_type_ids too, which it refuses
INPUTS = ["input_ids", "attention_mask"]
# what version 5 notes of how it loaded a tokenizer
NOTES = ("backend", "is_local", "local_files_only")


def readable_config(folder: Path, head_is_tied: bool) -> None:
    """Write the older names into the folder's config.json, beside the newer ones.

    head_is_tied: whether the head is the embedding, said where the file leaves it to a default.
    """
    config = _read(folder / CONFIG)
    rotation = config.get("rope_parameters") or {}
    if any(isinstance(value, dict) for value in rotation.values()):
        warn(f"transformers 4 would not rotate the layers of {config.get('model_type')} as 5 does")
    elif rotation:
        config.update(_older_rotation(rotation))
    dtype = config.get("dtype")
    if dtype is not None:
        config["torch_dtype"] = dtype
    config["tie_word_embeddings"] = head_is_tied
    _write(folder / CONFIG, config)


def _older_rotation(rotation: dict[str, object]) -> dict[str, Any]:
    """`rope_theta`, and `rope_scaling` where positions are scaled."""
    older: dict[str, Any] = {}
    if "rope_theta" in rotation:
        older["rope_theta"] = rotation["rope_theta"]
    if rotation.get("rope_type", "default") != "default":
        # with its base: version 5 takes this table for the newer one
        older["rope_scaling"] = dict(rotation)
    return older


def readable_tokenizer(folder: Path) -> None:
    """Make the folder's tokenizer_config.json one that both versions read alike."""
    config = _read(folder / TOKENIZER_CONFIG)
    for note in NOTES:
        config.pop(note, None)
    config["tokenizer_class"] = TOKENIZER_CLASS
    config["model_input_names"] = INPUTS
    extra = config.get("extra_special_tokens")
    if isinstance(extra, list):  # version 4 takes this for a table of names
        del config["extra_special_tokens"]
        config["additional_special_tokens"] = extra
    _write(folder / TOKENIZER_CONFIG, config)


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _write(path: Path, values: dict[str, object]) -> None:
    text = json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
