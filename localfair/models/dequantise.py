"""A student that exists only as GGUF, as a safetensors folder that can be trained.

Reads one verified model; writes `<workspace>/models/weights/dequantised/<first 16 of its sha256>/`,
once. The numbers are the quantised ones written in bf16: nothing that quantisation lost comes back.
Knows nothing of training.

Against llama.cpp (transformers 5.23, llama-cpp-python 0.3.36): SmolLM2 agrees on every text tried.
Qwen2.5 agrees on composed Unicode; transformers composes (NFC) what llama.cpp leaves decomposed,
and only llama.cpp reads a literal `</s>` as one token. TinyLlama (SentencePiece) differs on runs of
spaces and after a special token. So compare a student's exams only under the engine it was trained
with.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localfair.errors import LocalfairError, MissingDependency, ModelError
from localfair.machine.files import disk_is_full, replacing
from localfair.machine.terminal import one_line
from localfair.models.chat import with_bos
from localfair.models.hashing import weights_of
from localfair.models.parsing import FAILURES
from localfair.models.registry import Model, weights_dir
from localfair.models.safetensors_folder import read_folder

MANIFEST = "localfair.json"
VERSION = 1  # of what a folder holds: a higher one makes every folder anew
PACKAGES = ("torch", "transformers", "gguf", "accelerate")
# an environment that has a torch and a transformers of its own pins keeps them: `train` would not
BESIDE_TORCH = (
    "pip install 'localfair[gguf]' (beside the torch and transformers that are here; "
    "'localfair[train]' brings all of them)"
)
HOW_TO_GET = {"gguf": BESIDE_TORCH, "accelerate": BESIDE_TORCH}


def dequantised(model: Model, workspace: Path) -> Path:
    """The safetensors folder of a model: its own, or the one made from its GGUF, which is made
    once.

    Tokenizer and chat template are those of the GGUF. Raises MissingDependency without
    transformers, ModelError when the architecture cannot be converted.
    """
    if model.card.format == "safetensors":
        return model.path
    folder = weights_dir(workspace) / "dequantised" / model.sha256[:16]
    if not _is_whole(folder, model):
        _write(model, folder)
    return folder


def _is_whole(folder: Path, model: Model) -> bool:
    """Whether the folder was finished for these very weights and template, and kept its sizes."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        read_folder(folder)
    except (OSError, ValueError, LocalfairError):
        return False
    if not isinstance(manifest, dict):
        return False
    for key, value in _origin(model).items():
        if manifest.get(key) != value:
            return False
    return manifest.get("sizes") == _sizes(folder)


def _origin(model: Model) -> dict[str, Any]:
    """What the folder depends on."""
    return {
        "version": VERSION,
        "from": model.fingerprint,
        "chat_template": model.chat_template_hash,
    }


def _sizes(folder: Path) -> dict[str, int]:
    files = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    return {file.name: file.stat().st_size for file in files}


def _write(model: Model, folder: Path) -> None:
    """Convert the model beside `folder`, and give it the name once it is whole."""
    # another process may have been faster: its folder stays
    with replacing(folder, keep=lambda path: _is_whole(path, model)) as unfinished:
        _convert(model, unfinished)
        manifest = {**_origin(model), "name": model.name, "sizes": _sizes(unfinished)}
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _convert(model: Model, folder: Path) -> None:
    """Write the GGUF as bf16 safetensors through transformers, tokenizer and template included."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(
                f"making safetensors of {model.path.name} needs the package {package!r}",
                HOW_TO_GET.get(package, "pip install 'localfair[train]'"),
            )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    file = model.path.name
    if len(weights_of(model.path)) > 1:
        raise ModelError(
            f"{file} is one of several shards, which transformers cannot read for training",
            "join them first (`llama-gguf-split --merge`), or use the model's safetensors version",
        )
    try:
        with (
            _alone(model.path) as source,
            contextlib.redirect_stderr(io.StringIO()),  # its progress bars are not ours
        ):
            tokenizer = AutoTokenizer.from_pretrained(
                source, gguf_file=file, local_files_only=True, trust_remote_code=False
            )
            # without dequantize=True the model counts as quantised and cannot be saved
            weights = AutoModelForCausalLM.from_pretrained(
                source,
                gguf_file=file,
                local_files_only=True,
                trust_remote_code=False,
                quantization_config=GgufConfig(dequantize=True),
                dtype=torch.bfloat16,
            )
    except (*FAILURES, NotImplementedError, OSError) as error:
        if disk_is_full(error):
            raise
        raise ModelError(
            f"transformers cannot read {file} for training: {one_line(str(error))}",
            "use the model's safetensors version",
        ) from error
    tokenizer.chat_template = model.chat_template
    tokenizer.chat_template = with_bos(tokenizer)
    with contextlib.redirect_stderr(io.StringIO()):
        weights.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[str]:
    """A folder in which the file stands alone: what lies beside it may name code to run."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).symlink_to(path.absolute())
        yield folder
