"""A file of somebody else's is read within bounds, and what is wrong with it is one line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from localfair.errors import CorruptWeights, MissingWeights, ModelError, UsageError
from localfair.machine.bounds import MOST_DEPTH, OutOfBounds
from localfair.models.parsing import (
    Malformed,
    exists,
    json_object,
    library_reading,
    quoted,
    read_json,
    read_toml,
    reading,
    whole_number,
)


@pytest.mark.parametrize(
    "error", [ValueError("x\ny"), KeyError("x"), RecursionError(), MemoryError(), OverflowError()]
)
def test_what_a_parser_raises_becomes_one_line_and_the_hint(error: Exception) -> None:
    with pytest.raises(CorruptWeights) as refused, reading(Path("a\nb"), "a thing", "do so"):
        raise error
    assert refused.value.message.startswith("a\\nb is not a thing: ")
    assert refused.value.message.isprintable()
    assert refused.value.hint == "do so"


def test_what_cannot_be_read_is_missing_and_our_own_errors_stay(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="cannot read"), reading(tmp_path, "x", "y"):
        (tmp_path / "absent").read_bytes()
    with pytest.raises(UsageError, match="mine"), reading(tmp_path, "x", "y"):
        raise UsageError("mine")


@pytest.mark.parametrize("error", [Exception("a\nb"), RuntimeError(), AssertionError()])
def test_what_a_library_raises_is_one_line(error: Exception) -> None:
    with pytest.raises(ModelError, match="cannot be loaded") as refused, library_reading(Path("w")):
        raise error
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("error", [MemoryError(), ImportError("x"), OSError(28, "No space left")])
def test_a_lack_of_something_is_not_the_files_fault(error: Exception) -> None:
    with pytest.raises(type(error)), library_reading(Path("w")):
        raise error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "line 1, column 2"),
        (b'{"a":\n nope}', "line 2, column 2"),
        (b"[]", "not a JSON object"),
        (b"\xff", "line 1: is not UTF-8 text"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, f"more than {MOST_DEPTH} deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "make no sense"),
    ],
    ids=range(7),
)
def test_json_that_cannot_be_used_says_where_in_our_words(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(CorruptWeights, match=words):
        read_json(tmp_path / "a.json")


def test_a_byte_order_mark_is_dropped_and_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
    with pytest.raises(CorruptWeights, match="at most 5 are read"):
        read_json(tmp_path / "a.json", 5)


def test_a_key_twice_is_refused_where_that_matters() -> None:
    assert json_object('{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(Malformed, match="twice"):
        json_object('{"b": {"a": 1, "a": 2}}', unique=True)


def test_a_dotted_key_does_not_take_the_square_of_its_length(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[" + ".".join("a" * 100_000) + "]\n")
    start = time.perf_counter()
    with pytest.raises(OutOfBounds, match="parts"):
        read_toml(path, 1 << 20)
    path.write_text("note = '" + "word " * 50_000 + "a" * 100_000 + "'\n[a.b.c]\nx.y = 1.5\n")
    assert read_toml(path, 1 << 20)["a"]["b"]["c"]["x"]["y"] == 1.5
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("value", [True, "1", 1.0, float("nan"), None, [1], {}, -1, 11, 10**400])
def test_only_a_whole_number_within_its_bounds_counts(value: object) -> None:
    assert whole_number(10, "n", 10) == 10
    with pytest.raises(Malformed, match="n is "):
        whole_number(value, "n", 10)


def test_a_value_is_shown_short() -> None:
    assert quoted("\x1b" + "x" * 500) == "'\\x1b" + "x" * 35 + "…'"
    assert quoted(10**5000) == "a number of more than 38 digits"
    assert [quoted(value) for value in ([1], {}, None, 1.5)] == [
        "a list",
        "an object",
        "None",
        "1.5",
    ]


def test_a_path_that_no_file_can_have_does_not_exist() -> None:
    assert not exists(Path("a\0b"))
    assert not exists(Path("x" * 5000))
