"""The head of a GGUF is read value after value, and its end is never passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from localfair.models.gguf_reader import ARRAY, STRING, NotGguf, opened

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
def test_a_value_that_is_cut_short_is_an_index_error(tmp_path: Path, value: object) -> None:
    path = file_of(tmp_path, value)
    path.write_bytes(path.read_bytes()[:-1])
    with opened(path) as reader, pytest.raises(IndexError):
        reader.value(reader.scalar("I"))


def test_an_unknown_type_is_a_lookup_error(tmp_path: Path) -> None:
    with opened(file_of(tmp_path, "text")) as reader, pytest.raises(LookupError):
        reader.value(ARRAY + STRING)
