"""A folder of safetensors weights as transformers writes it: its own metadata, and whether it is whole.

Reads config, tokenizer settings and the safetensors headers. Knows nothing of cards; never opens a pickle.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import CorruptWeights, MissingWeights, ModelError

PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
# what decides how the model behaves; a README beside it does not
COUNTED = {".safetensors", ".json", ".jinja", ".model", ".txt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderHeader:
    """What the folder says of itself; 0 or empty when it does not say. size is the bytes of its weights.

    kv_bytes: bytes of an f16 key and value cache for one token.
    """

    architecture: str
    context_length: int
    chat_template: str | None
    kv_bytes: int
    size: int


def read_folder(folder: Path) -> FolderHeader:
    """The metadata of the folder, once every weight file was seen to be whole.

    Raises ModelError for pickled weights, MissingWeights for an absent file, CorruptWeights for a short one.
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
    return sorted(
        p for p in folder.iterdir() if p.is_file() and p.suffix in COUNTED and p.name[0] != "."
    )


def _refuse_pickles(folder: Path) -> None:
    pickled = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLES)
    if pickled:
        raise ModelError(
            f"{folder} holds {', '.join(pickled)}: such files can run code when loaded and are refused",
            "use the safetensors or GGUF version of the model",
        )


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingWeights(
            f"no {path.name} in {path.parent}", "a model folder needs one"
        ) from error
    except (OSError, ValueError) as error:
        raise CorruptWeights(f"{path} is not readable JSON: {error}") from error
    if not isinstance(value, dict):
        raise CorruptWeights(f"{path} is not a JSON object")
    return value


def _shards(folder: Path) -> list[Path]:
    shards = sorted(folder.glob("*.safetensors"))
    index = folder / "model.safetensors.index.json"
    if index.exists():
        named = set(_json(index).get("weight_map", {}).values())
        missing = sorted(named - {shard.name for shard in shards})
        if missing:
            raise MissingWeights(
                f"{folder} lacks {', '.join(missing)}", "the index names them: get them again"
            )
    if not shards:
        raise MissingWeights(f"no .safetensors file in {folder}")
    return shards


def _must_be_whole(shard: Path) -> None:
    """A safetensors file is 8 bytes of header length, a JSON header, and exactly the bytes it promises."""
    actual = shard.stat().st_size
    try:
        with shard.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(length)) if length <= actual else {}
        ends = [item["data_offsets"][1] for name, item in header.items() if name != "__metadata__"]
        expected = 8 + length + max(ends, default=0)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptWeights(f"{shard} is not a safetensors file: {error}") from error
    if actual != expected:
        raise CorruptWeights(
            f"{shard} is cut short or damaged: {actual} bytes, its header says {expected}"
        )


def _chat_template(folder: Path) -> str | None:
    jinja, settings = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    if jinja.exists():
        return jinja.read_text(encoding="utf-8")
    template = _json(settings).get("chat_template") if settings.exists() else None
    return template if isinstance(template, str) else None


def _kv_bytes(config: dict[str, Any]) -> int:
    heads = int(config.get("num_attention_heads") or 0)
    width = int(
        config.get("head_dim") or (int(config.get("hidden_size") or 0) // heads if heads else 0)
    )
    kv_heads = int(config.get("num_key_value_heads") or heads)
    return 2 * 2 * int(config.get("num_hidden_layers") or 0) * kv_heads * width
