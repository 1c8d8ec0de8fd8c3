"""A student that exists only as GGUF, as a safetensors folder that can be trained: made once, kept by hash.

Reads one verified model; writes `<workspace>/models/weights/dequantised/<first 16 of its sha256>/`.
The numbers are the quantised ones written in bf16: nothing that quantisation lost comes back.
Knows nothing of training.

Against llama.cpp (transformers 5.23, llama-cpp-python 0.3.36): SmolLM2 agrees on every text tried.
Qwen2.5 agrees on composed Unicode; transformers composes (NFC) what llama.cpp leaves decomposed, and only
llama.cpp reads a literal `</s>` as one token. TinyLlama (SentencePiece) differs on runs of spaces and after
a special token. So compare a student's exams only under the engine it was trained with.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

from localfair.errors import LocalfairError, MissingDependency, ModelError
from localfair.machine.files import replacing
from localfair.models.registry import Model, weights_dir
from localfair.models.safetensors_folder import read_folder

MANIFEST = "localfair.json"
VERSION = 1


def dequantised(model: Model, workspace: Path) -> Path:
    """The folder of safetensors for `model`: its own if it has one, else made from its GGUF once.

    The tokenizer and its chat template are those of the GGUF. Raises MissingDependency without transformers,
    ModelError when the architecture cannot be converted.
    """
    if model.card.format == "safetensors":
        return model.path
    parent = weights_dir(workspace) / "dequantised"
    place = parent / model.sha256[:16]
    if not _is_whole(place, model):
        _make(model, place)
    return place


def _is_whole(place: Path, model: Model) -> bool:
    """Whether the folder was finished for these very weights and template, and has kept its sizes."""
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        read_folder(place)
    except (OSError, ValueError, LocalfairError):
        return False
    if not isinstance(manifest, dict):
        return False
    wanted = {**manifest, **_identity(model)}
    return manifest == wanted and manifest.get("sizes") == _sizes(place)


def _identity(model: Model) -> dict[str, Any]:
    return {
        "version": VERSION,
        "from": model.fingerprint,
        "chat_template": model.chat_template_hash,
    }


def _sizes(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_size for p in sorted(folder.iterdir()) if p.name != MANIFEST}


def _make(model: Model, place: Path) -> None:
    # another process may have been faster: its folder stays
    with replacing(place, keep=lambda there: _is_whole(there, model)) as folder:
        _convert(model, folder)
        manifest = {**_identity(model), "name": model.name, "sizes": _sizes(folder)}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _convert(model: Model, folder: Path) -> None:
    """GGUF to bf16 safetensors through transformers, tokenizer and chat template included."""
    for package in ("torch", "transformers", "gguf", "accelerate"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(
                f"reading {model.path.name} for training needs the package {package!r}",
                "pip install 'localfair[train]'",
            )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source, file = str(model.path.parent), model.path.name
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bars are not ours
            tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file)
            # without dequantize=True the model counts as quantised and cannot be saved
            weights = AutoModelForCausalLM.from_pretrained(
                source,
                gguf_file=file,
                quantization_config=GgufConfig(dequantize=True),
                dtype=torch.bfloat16,
            )
    except (ValueError, KeyError, NotImplementedError) as error:
        raise ModelError(
            f"transformers cannot read {file} for training: {error}",
            "use the model's safetensors version",
        ) from error
    tokenizer.chat_template = model.chat_template
    with contextlib.redirect_stderr(io.StringIO()):
        weights.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
