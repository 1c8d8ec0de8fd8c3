"""A GGUF that writes no text is told so in words, whatever it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localfair.errors import ModelError
from localfair.models.adding import add
from localfair.models.metadata import read_header

from .weights import META, shard

EMBEDDING = ("token_embd.weight",)
OTHERS: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({"general.architecture": "clip"}, ("v.patch_embd.weight",), "projector"),
    ({"general.architecture": "llama", "general.type": "mmproj"}, EMBEDDING, "projector"),
    ({"general.type": "imatrix"}, ("blk.0.attn_q.weight.in_sum2",), "importance matrix"),
    ({"imatrix.chunk_count": 3}, ("blk.0.attn_q.weight.counts",), "importance matrix"),
    ({"general.architecture": "llama", "general.type": "adapter"}, ("x.lora_a",), "an adapter"),
    ({"general.architecture": "bert"}, EMBEDDING, "an embedding model"),
    ({"general.architecture": "nomic-bert-moe"}, EMBEDDING, "an embedding model"),
    ({**META, "llama.pooling_type": 1}, EMBEDDING, "an embedding model"),
    ({"general.architecture": "qwen3", "qwen3.pooling_type": 3}, EMBEDDING, "an embedding model"),
    ({"general.architecture": "qwen3", "qwen3.pooling_type": 4}, EMBEDDING, "an embedding model"),
    (META, (), "a vocabulary without weights"),
    (META, ("output.weight",), "without the embedding"),
    ({"general.architecture": "flux"}, ("double_blocks.0.img_attn.weight",), "without the embed"),
    ({}, EMBEDDING, "names no architecture"),
]


@pytest.mark.parametrize(("meta", "tensors", "words"), OTHERS, ids=[words for *_, words in OTHERS])
def test_what_writes_no_text_is_refused(
    workspace: Path, tmp_path: Path, meta: dict[str, Any], tensors: tuple[str, ...], words: str
) -> None:
    path = shard(tmp_path / "good-name.gguf", meta, *tensors)
    with pytest.raises(ModelError, match=f"is no text model: it is .*{words}"):
        add(path, workspace)
    assert not (workspace / "models" / "good-name.toml").exists()


@pytest.mark.parametrize("changes", [{}, {"llama.pooling_type": 0}, {"general.type": "model"}])
def test_a_text_model_is_taken_whatever_it_is_called(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = shard(tmp_path / "mmproj-bert-imatrix.gguf", {**META, **changes}, *EMBEDDING)
    assert read_header(path).architecture == "llama"
