"""A folder of safetensors weights as transformers writes it: its metadata, and whether it is whole.

Reads config, tokenizer settings and the safetensors headers; writes nothing. Never opens a pickle.
Knows nothing of cards.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, MissingWeights, ModelError

PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
# What decides how the model behaves; a README beside it does not.
COUNTED = {".safetensors", ".json", ".jinja", ".model", ".txt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderHeader:
    """What the folder says of itself; 0 or empty when it does not say.

    kv_bytes: bytes of an f16 key and value cache for one token. size: bytes of its weights.
    """

    architecture: str
    context_length: int
    chat_template: str | None
    kv_bytes: int
    size: int


def read_folder(folder: Path) -> FolderHeader:
    """The metadata of the folder. Every weight file is checked to be whole.

    Raises ModelError for pickled weights, MissingWeights for an absent file, CorruptWeights for one
    that is cut short or damaged.
    """
    _refuse_pickles(folder)
    config = _json(folder / "config.json")
    shards = _shards(folder)
    for shard in shards:
        _must_be_whole(shard)
    return FolderHeader(
        architecture=str(config.get("model_type", "")),
        context_length=int(config.get("max_position_embeddings") or 0),
        chat_template=_chat_template(folder),
        kv_bytes=_kv_bytes(config),
        size=sum(shard.stat().st_size for shard in shards),
    )


def counted_files(folder: Path) -> list[Path]:
    """The files that make up the folder's fingerprint, by name."""
    return sorted(path for path in folder.iterdir() if _counts(path))


def _counts(path: Path) -> bool:
    is_hidden = path.name.startswith(".")
    return path.is_file() and path.suffix in COUNTED and not is_hidden


def _refuse_pickles(folder: Path) -> None:
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickled:
        raise ModelError(
            f"{folder} holds {', '.join(pickled)}:"
            " such files can run code when loaded and are refused",
            "use the safetensors or GGUF version of the model",
        )


def _json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises MissingWeights, CorruptWeights."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingWeights(
            f"no {path.name} in {path.parent}", "a model folder needs one"
        ) from error
    except (OSError, ValueError) as error:
        raise CorruptWeights(f"{path} is not readable JSON: {error}") from error
    if not isinstance(content, dict):
        raise CorruptWeights(f"{path} is not a JSON object")
    return content


def _shards(folder: Path) -> list[Path]:
    """The safetensors files, every one that the index names among them. Raises MissingWeights."""
    shards = sorted(folder.glob("*.safetensors"))
    index = folder / "model.safetensors.index.json"
    if index.exists():
        indexed = set(_json(index).get("weight_map", {}).values())
        missing = sorted(indexed - {shard.name for shard in shards})
        if missing:
            raise MissingWeights(
                f"{folder} lacks {', '.join(missing)}", "the index names them: get them again"
            )
    if not shards:
        raise MissingWeights(f"no .safetensors file in {folder}")
    return shards


def _must_be_whole(shard: Path) -> None:
    """Compare a file's size with what its header promises. Raises CorruptWeights.

    A safetensors file is 8 bytes of header length, a JSON header, and the tensors that it names.
    """
    actual = shard.stat().st_size
    try:
        expected = _promised_size(shard, actual)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptWeights(f"{shard} is not a safetensors file: {error}") from error
    if actual != expected:
        raise CorruptWeights(
            f"{shard} is cut short or damaged: {actual} bytes, its header says {expected}"
        )


def _promised_size(shard: Path, actual: int) -> int:
    """The bytes that the file must have.

    Those of its head alone where the head does not fit in it.
    """
    with shard.open("rb") as file:
        length = int(struct.unpack("<Q", file.read(8))[0])
        # a damaged length must not make us read as much
        header = json.loads(file.read(length)) if length <= actual else {}
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return int(8 + length + max(ends, default=0))


def _chat_template(folder: Path) -> str | None:
    """The template in its own file, else the one in the tokenizer's settings."""
    jinja = folder / "chat_template.jinja"
    if jinja.exists():
        return jinja.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    if not settings.exists():
        return None
    template = _json(settings).get("chat_template")
    return template if isinstance(template, str) else None


def _kv_bytes(config: dict[str, Any]) -> int:
    """layers * KV heads * (key + value width) * 2 bytes."""
    layers = int(config.get("num_hidden_layers") or 0)
    heads = int(config.get("num_attention_heads") or 0)
    kv_heads = int(config.get("num_key_value_heads") or heads)
    width = int(config.get("hidden_size") or 0)
    head_width = int(config.get("head_dim") or 0)
    if not head_width and heads:
        head_width = width // heads
    return layers * kv_heads * 2 * head_width * 2
