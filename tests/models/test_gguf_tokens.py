"""The control tokens of a vocabulary are those that a message must not spell."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.errors import CorruptWeights
from localfair.models.gguf_tokens import marked_tokens

from .weights import gguf

NORMAL, UNKNOWN, CONTROL, USER = 1, 2, 3, 4


def controls(folder: Path, types: dict[str, int]) -> tuple[str, ...]:
    """The control tokens of a vocabulary of these tokens and types."""
    path = gguf(
        folder / "t.gguf",
        tokenizer__ggml__tokens=list(types),
        tokenizer__ggml__token_type=list(types.values()),
    )
    return marked_tokens(path).control


def test_control_and_unknown_tokens_count_in_the_vocabularys_order(tmp_path: Path) -> None:
    types = {"<s>": CONTROL, "word": NORMAL, "<unk>": UNKNOWN, "<mine>": USER}
    assert controls(tmp_path, types) == ("<s>", "<unk>")


def test_what_ends_a_turn_counts_whatever_its_type(tmp_path: Path) -> None:
    assert controls(tmp_path, {"<|im_end|>": NORMAL, "</s>": USER}) == ("<|im_end|>", "</s>")


def test_a_single_character_never_counts(tmp_path: Path) -> None:
    assert controls(tmp_path, {"a": CONTROL, "é": CONTROL, "bc": CONTROL}) == ("bc",)


def test_without_types_every_token_is_a_normal_one(tmp_path: Path) -> None:
    path = gguf(
        tmp_path / "t.gguf",
        tokenizer__ggml__tokens=["<s>", "<eos>"],
        tokenizer__ggml__token_type=None,
    )
    assert marked_tokens(path).control == ("<eos>",)


def test_without_a_vocabulary_there_are_none(tmp_path: Path) -> None:
    path = gguf(tmp_path / "t.gguf", tokenizer__ggml__tokens=None)
    assert marked_tokens(path).control == ()


def test_a_file_that_is_cut_short_is_corrupt(tmp_path: Path) -> None:
    path = gguf(tmp_path / "t.gguf")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptWeights):
        marked_tokens(path)
