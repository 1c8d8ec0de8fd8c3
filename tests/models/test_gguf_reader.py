"""The head of a GGUF is read value after value, and its end is never passed."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from localfair.machine.bounds import OutOfBounds
from localfair.models.gguf_reader import (
    ARRAY,
    MOST_ITEMS,
    MOST_STRING,
    STRING,
    NotGguf,
    Reader,
    opened,
)
from localfair.models.parsing import Malformed

from .weights import META, gguf, packed


def file_of(folder: Path, *values: object) -> Path:
    """The values as they stand in a file, each after its type."""
    path = folder / "values"
    path.write_bytes(b"".join(packed(value) for value in values))
    return path


def test_a_file_begins_with_its_counts(tmp_path: Path) -> None:
    with opened(gguf(tmp_path / "t.gguf")) as reader:
        assert reader.begin() == (1, len(META))
        assert reader.string() == "general.architecture"


@pytest.mark.parametrize("version", [1, 4])
def test_another_version_is_refused(tmp_path: Path, version: int) -> None:
    path = gguf(tmp_path / "t.gguf", version=version)
    with opened(path) as reader, pytest.raises(NotGguf, match=f"version {version}"):
        reader.begin()


def test_another_magic_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.gguf").write_bytes(b"PK\3\4" + b"\0" * 20)
    with opened(tmp_path / "t.gguf") as reader, pytest.raises(NotGguf, match="PK"):
        reader.begin()


def test_values_are_read_by_their_type(tmp_path: Path) -> None:
    with opened(file_of(tmp_path, "é", 7, [1, 2])) as reader:
        values = [reader.value(reader.scalar("I")) for _ in range(3)]
    assert values == ["é", 7, [1, 2]]


@pytest.mark.parametrize("vocabulary", [["a", "bc"], [1] * 2000], ids=["text", "long"])
def test_a_vocabulary_is_stepped_over_unless_it_is_asked_for(
    tmp_path: Path, vocabulary: list[object]
) -> None:
    path = file_of(tmp_path, vocabulary, "behind")
    with opened(path) as reader:
        assert reader.value(reader.scalar("I")) is None
        assert reader.value(reader.scalar("I")) == "behind"
    with opened(path) as reader:
        assert reader.scalar("I") == ARRAY
        assert reader.items() == vocabulary


@pytest.mark.parametrize("value", ["text", ["a", "bc"], [1] * 2000], ids=["text", "texts", "long"])
def test_a_value_that_is_cut_short_is_malformed(tmp_path: Path, value: object) -> None:
    path = file_of(tmp_path, value)
    path.write_bytes(path.read_bytes()[:-1])
    with opened(path) as reader, pytest.raises(Malformed, match="cut short"):
        reader.value(reader.scalar("I"))


def test_an_unknown_type_is_malformed(tmp_path: Path) -> None:
    with opened(file_of(tmp_path, "text")) as reader, pytest.raises(Malformed, match="type 17"):
        reader.value(ARRAY + STRING)


@pytest.mark.parametrize("count", [MOST_ITEMS + 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("item_type", [0, 4, STRING])
def test_an_array_that_claims_more_than_is_read_is_malformed_at_once(
    item_type: int, count: int
) -> None:
    reader = Reader(struct.pack("<IQ", item_type, count) + bytes(64))
    with pytest.raises(Malformed, match="at most"):
        reader.value(ARRAY)


def test_an_array_longer_than_its_file_is_malformed_before_it_is_read() -> None:
    reader = Reader(struct.pack("<IQ", STRING, MOST_ITEMS) + bytes(64))
    with pytest.raises(Malformed, match="cut short"):
        reader.items()


def test_arrays_of_arrays_are_not_read() -> None:
    reader = Reader(struct.pack("<IQ", ARRAY, 1) * 1000)
    with pytest.raises(Malformed, match="array of arrays"):
        reader.value(ARRAY)


@pytest.mark.parametrize("length", [MOST_STRING + 1, 2**40, 2**64 - 1])
def test_a_text_longer_than_any_is_malformed(length: int) -> None:
    with pytest.raises(Malformed, match="bytes of text"):
        Reader(struct.pack("<Q", length) + b"text").string()


def test_a_name_must_be_utf_8_and_a_text_need_not() -> None:
    raw = struct.pack("<Q", 2) + b"\xff\xfe"
    assert Reader(raw).string() == "\ufffd\ufffd"
    with pytest.raises(Malformed, match="UTF-8"):
        Reader(raw).name()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(OutOfBounds, match="no regular file"), opened(tmp_path / "pipe.gguf"):
        pass
