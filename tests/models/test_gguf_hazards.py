"""Metadata over which llama.cpp would end the process is refused before llama.cpp sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localfair.errors import CorruptWeights
from localfair.models.gguf_hazards import BYTES, refuse_hazards_of_tokens
from localfair.models.gguf_header import read_gguf_header
from localfair.models.parsing import Malformed

from .weights import gguf


@pytest.mark.parametrize(
    "changes",
    [
        {"llama__block_count": 0},
        {"llama__rope__scaling__type": "su"},
        {"llama__rope__scaling__type": ""},
        {"llama__rope__scaling__type": 1},
        {"llama__expert_count": 4},
        {"llama__expert_count": 2**32 - 1},
        {"llama__expert_count": 4, "llama__expert_used_count": 5},
        {"llama__expert_used_count": 1},
        {"tokenizer__ggml__tokens": ["a", "b", "a"]},
        {"tokenizer__ggml__model": "llama"},
    ],
    ids=str,
)
def test_a_value_that_would_end_the_process_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(CorruptWeights) as refused:
        read_gguf_header(gguf(tmp_path / "t.gguf", **changes))
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"llama__rope__scaling__type": "yarn"},
        {"llama__expert_count": 0, "llama__expert_used_count": 0},
        {"llama__expert_count": 4, "llama__expert_used_count": 2},
        {"tokenizer__ggml__tokens": ["a", "", ""]},
        {"tokenizer__ggml__tokens": None, "tokenizer__ggml__model": "llama"},
    ],
    ids=str,
)
def test_values_that_real_files_have_are_taken(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert read_gguf_header(gguf(tmp_path / "t.gguf", **changes)).architecture == "llama"


def test_a_sentencepiece_vocabulary_needs_a_token_for_every_byte() -> None:
    refuse_hazards_of_tokens([b"<unk>", *BYTES], "llama")
    refuse_hazards_of_tokens([b"a"], "gpt2")
    with pytest.raises(Malformed, match="single bytes"):
        refuse_hazards_of_tokens([b"<unk>", *sorted(BYTES)[1:]], "llama")
