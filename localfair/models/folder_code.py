"""What in a folder of weights would run code when a library loads it, and is refused before.

Reads the folder's JSON files and the first bytes of the others; opens no pickle. Which files are
opened is what transformers 5.23, PEFT 0.21 and vLLM do as this package calls them: safetensors
first, never a pickle where there are safetensors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.errors import MissingWeights, ModelError
from localfair.machine.terminal import one_line
from localfair.models.parsing import read_json, shown_path

PICKLES = frozenset(
    {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".p", ".joblib", ".dill", ".mar"}
)
# What training leaves beside weights, for itself: nothing loads it with a model.
_OF_TRAINING = re.compile(
    r"(training_args|optimizer|scheduler|scaler|sampler|dl_state_dict|rng_state|random_states"
    r"|custom_checkpoint)([-_.]?\d+)*\.\w+"
)
# A pickle of any other name is left as well where whole safetensors stand beside it, unless it has
# the suffix that a library's own Python uses, or the name of a tokenizer's file.
_OF_PYTHON = frozenset({".pkl", ".pickle", ".p", ".joblib", ".dill", ".mar"})
_OF_TOKENIZER = re.compile(
    r".*(token|vocab|merges|sentencepiece|spiece|processor).*", re.IGNORECASE
)
# files that a loader opens whatever they hold
_OPENED = frozenset({".safetensors", ".json", ".jinja", ".model", ".txt", ".tiktoken"})
# A pickle's protocol 2 and later; a zip archive, as torch writes it; a tar, as old torch did; gzip.
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
MOST_TOKENIZER = 1 << 28  # bytes of tokenizer.json; the largest have some 35 million
# keys of a configuration that name Python files or modules to import
_CODE_KEYS = frozenset({"auto_map", "custom_pipelines", "custom_generate", "auto_mapping"})
# of an adapter: PEFT imports the module `megatron_core` when there is such a configuration
_ADAPTER_KEYS = _CODE_KEYS | {"megatron_config"}
# what the libraries read beside `*config.json`
_CONFIGURATIONS = frozenset(
    {
        "added_tokens.json",
        "chat_template.json",
        "model.safetensors.index.json",
        "params.json",
        "special_tokens_map.json",
    }
)
# what a tokenizer's library reads, and is too large to be read each time that a model is looked at
_VOCABULARIES = ("tokenizer.json", "vocab.json")
INSTEAD = "use the safetensors or GGUF version of the model"


def refuse_code(folder: Path, has_weights: bool) -> tuple[str, ...]:
    """The names of pickles that nothing opens, for a folder that runs no code when it is loaded.

    has_weights: whether safetensors stand in it. Raises ModelError, naming what would run code.
    """
    left, refused = [], []
    for path in _files(folder):
        if _is_left(path, has_weights):
            left.append(one_line(path.name, 80))
        elif path.suffix.lower() in PICKLES or _is_disguised(path):
            refused.append(one_line(path.name, 80))
    _refuse(folder, refused)
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"{shown_path(folder)} holds an adapter, which loads another model that it names",
            "give the folder of the model itself, without adapter_config.json",
        )
    for path in _configurations(folder):
        _refuse_keys(path, _CODE_KEYS)
    if (folder / "custom_generate").exists():
        _refuse_custom(folder / "custom_generate", "Python files")
    return tuple(left)


def refuse_code_of_adapter(folder: Path) -> None:
    """Raises ModelError for a folder of an adapter that PEFT would run code of, by content.

    Raises MissingWeights when it holds no safetensors: PEFT would open a pickle then.
    """
    for path in _files(folder):
        is_left = _OF_TRAINING.fullmatch(path.name) is not None
        if not is_left and (path.suffix.lower() in PICKLES or _is_disguised(path)):
            _refuse(folder, [one_line(path.name, 80)])
    if not (folder / "adapter_model.safetensors").is_file():
        raise MissingWeights(
            f"{shown_path(folder)} holds no adapter_model.safetensors",
            "give the folder of a trained adapter",
        )
    for path in _configurations(folder):
        _refuse_keys(path, _ADAPTER_KEYS)


def refuse_deep_vocabulary(folder: Path) -> None:
    """Raises CorruptWeights for a tokenizer's large JSON files that a library could not read.

    `refuse_code` leaves them out, since reading them takes a second: ask where they are loaded.
    """
    for name in _VOCABULARIES:
        if (folder / name).exists():
            read_json(folder / name, MOST_TOKENIZER)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path


def _is_left(path: Path, has_weights: bool) -> bool:
    """Whether a file is a pickle, by its name, that nothing opens."""
    suffix = path.suffix.lower()
    if suffix not in PICKLES or not has_weights:
        return False
    if _OF_TRAINING.fullmatch(path.name):
        return True
    return suffix not in _OF_PYTHON and not _OF_TOKENIZER.fullmatch(path.name)


def _is_disguised(path: Path) -> bool:
    """Whether a file that a loader opens is a pickle or an archive under another name."""
    if path.suffix.lower() not in _OPENED:
        return False
    with path.open("rb") as file:
        start = file.read(4)
    is_pickle = start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5")
    # eight bytes of length begin safetensors: one of 128 to 65,407 may look like a pickle's start
    if path.suffix.lower() == ".safetensors" and is_pickle:
        return not _length_fits(path)
    return is_pickle or start.startswith(_ARCHIVES)


def _length_fits(path: Path) -> bool:
    """Whether the header's length of a safetensors file ends inside it, at a brace."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return length < path.stat().st_size and file.read(1) == b"{"


def _configurations(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.json")):
        if path.name in _CONFIGURATIONS or path.name.endswith("config.json"):
            yield path


def _refuse_keys(path: Path, keys: frozenset[str]) -> None:
    """Raises ModelError for a configuration that names code anywhere in it."""
    waiting: list[Any] = [read_json(path)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        if not isinstance(value, dict):
            continue
        for key, inner in value.items():
            if key in keys and inner:
                _refuse_custom(path, key)
        waiting.extend(value.values())


def _refuse_custom(path: Path, named: str) -> None:
    raise ModelError(
        f"{shown_path(path)} names code of the model's own ({named}): it is never run, and the model is"
        " refused",
        "use a model that transformers knows without custom code, or its GGUF version",
    )


def _refuse(folder: Path, names: list[str]) -> None:
    if not names:
        return
    named = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
    raise ModelError(
        f"{shown_path(folder)} holds {named}: such files can run code when loaded and are refused",
        INSTEAD,
    )
