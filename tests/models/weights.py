"""Small weights for tests: a GGUF, a safetensors folder, a wheel with a GGUF in it, a source that must not be built."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

# value types of GGUF
UINT32, INT32, STRING, ARRAY = 4, 5, 8, 9
TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
META: dict[str, Any] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "general.license": "apache-2.0",
    "llama.context_length": 128,
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "general.file_type": 0,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["a", "bc", "é"],
    "tokenizer.ggml.token_type": [1] * 2000,
    "tokenizer.chat_template": TEMPLATE,
}


def text(value: str) -> bytes:
    """A text as it stands in a GGUF."""
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def packed(value: Any) -> bytes:
    """A value as it stands in a GGUF: a text, a number, or an array of either, after its type."""
    if isinstance(value, str):
        return struct.pack("<I", STRING) + text(value)
    if not isinstance(value, list):
        return struct.pack("<II", UINT32, value)
    if isinstance(value[0], str):
        items = b"".join(text(item) for item in value)
        return struct.pack("<IIQ", ARRAY, STRING, len(value)) + items
    numbers = struct.pack(f"<{len(value)}i", *value)
    return struct.pack("<IIQ", ARRAY, INT32, len(value)) + numbers


def gguf(path: Path, *, version: int = 3, fill: bytes = b"\0", **changes: Any) -> Path:
    """A GGUF with one f32 tensor of 8 x 4.

    `changes` replace metadata: None drops a key, and `__` in a name stands for a dot.
    """
    meta = dict(META)
    for name, value in changes.items():
        key = name.replace("__", ".")
        meta[key] = value
        if value is None:
            del meta[key]
    head = b"GGUF" + struct.pack("<IQQ", version, 1, len(meta))
    for key, value in meta.items():
        head += text(key) + packed(value)
    head += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
    padding = b"\0" * (-len(head) % 32)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + padding + fill * 128)
    return path


def shard(path: Path, meta: dict[str, Any], *tensors: str, fill: bytes = b"\0") -> Path:
    """A GGUF of this metadata and one f32 tensor of 8 x 4 for each name."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    for key, value in meta.items():
        head += text(key) + packed(value)
    for number, name in enumerate(tensors):
        head += text(name) + struct.pack("<IQQIQ", 2, 8, 4, 0, 128 * number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + fill * 128 * len(tensors))
    return path


def split_gguf(folder: Path, stem: str = "split") -> list[Path]:
    """A GGUF in two shards, the embedding in the first and the output layer in the second."""
    split = {"split.count": 2, "split.tensors.count": 2}
    first = folder / f"{stem}-00001-of-00002.gguf"
    second = folder / f"{stem}-00002-of-00002.gguf"
    shard(first, {**META, **split, "split.no": 0}, "token_embd.weight")
    shard(second, {**split, "split.no": 1}, "output.weight", fill=b"\1")
    return [first, second]


def safetensors(folder: Path) -> Path:
    """A folder as transformers writes it, with one tensor of four bytes."""
    folder.mkdir(parents=True)
    config = {
        "model_type": "llama",
        "max_position_embeddings": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 64,
    }
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header = json.dumps({"w": tensor}).encode()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)
    return folder


def wheel(folder: Path, weights: Path) -> Path:
    """`tiny_wheel` 1.0 with the weights inside; importing or installing it would raise."""
    info = "tiny_wheel-1.0.dist-info"
    path = folder / "tiny_wheel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as out:
        out.write(weights, "tiny_wheel/Tiny.Q4.gguf")
        out.writestr("tiny_wheel/__init__.py", "raise RuntimeError('imported')")
        out.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-wheel\nVersion: 1.0\n")
        out.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr(f"{info}/RECORD", "")
    return path


def card_text(name: str = "tiny", **changes: Any) -> str:
    """A card as TOML; values are written as JSON, which TOML reads alike for what is used here."""
    keys = {"name": name, "family": "Tiny", "format": "gguf", "file": "tiny.gguf", **changes}
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


def trap(folder: Path) -> Path:
    """`trap` 1.0 as source only. Building it, or reading its metadata, leaves the file `sprung`.

    The backend lies inside and needs nothing else, so that pip runs it without an index.
    """
    backend = f"import pathlib\npathlib.Path({str(folder / 'sprung')!r}).touch()\n"
    files = {
        "backend.py": backend,
        "setup.py": backend,
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        'backend-path = ["."]\n',
        "PKG-INFO": "Metadata-Version: 2.1\nName: trap\nVersion: 1.0\n",
    }
    path = folder / "trap-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as out:
        for name, content in files.items():
            member = tarfile.TarInfo(f"trap-1.0/{name}")
            member.size = len(content.encode())
            out.addfile(member, io.BytesIO(content.encode()))
    return path
