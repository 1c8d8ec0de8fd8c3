"""Whatever a data file holds, it is read into rows or refused with the file and the line."""

from __future__ import annotations

import gzip
import hashlib
import os

import pytest

from localfair.errors import BadDataset
from localfair.tasks.files import Row, csv_rows, json_rows, open_file


def values(rows):
    return [(row.where.rpartition("/")[2], row.value) for row in rows]


def test_a_file_is_read_whole_and_identified(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfhello\n")
    file = open_file(path, "")
    assert file.text == "hello\n", "the byte order mark is no text"
    assert file.source.name == "a.txt"
    assert file.source.bytes == 9
    assert file.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"{}\n\xff\xfe", r"a\.txt line 2: is not UTF-8 text"),
        (b" \n", r"a\.txt line 1: the file is empty"),
        (None, r"a\.txt: No such file"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, data, problem):
    path = tmp_path / "a.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadDataset, match=problem):
        open_file(path, "")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_never_ends_is_refused(tmp_path, make):
    path = tmp_path / "a.jsonl"
    make(path)
    with pytest.raises(BadDataset, match=r"a\.jsonl: it is no regular file"):
        open_file(path, "")


def test_json_lines_are_rows_and_blank_lines_are_none(write):
    file = open_file(write("t.jsonl", '{"a": 1}\n\n"\u2028"\n'), "")
    assert values(json_rows(file, "")) == [
        ("t.jsonl line 1", {"a": 1}),
        ("t.jsonl line 3", "\u2028"),
    ]


def test_a_json_array_is_rows_by_itself_or_under_a_key(write):
    rows = [("t.json item 1", 1), ("t.json item 2", 2)]
    assert values(json_rows(open_file(write("t.json", [1, 2]), ""), "")) == rows
    file = open_file(write("t.json", {"examples": [1, 2]}), "")
    assert values(json_rows(file, "", under="examples")) == rows


@pytest.mark.parametrize(
    ("content", "under", "problem"),
    [
        ('{"a": 1}\n{oops\n', "", r"t\.json line 2: is not JSON"),
        ("[\n{},\n{oops}]", "", r"t\.json line 3: is not JSON"),
        ("9" * 5000, "", "line 1: holds a number or nesting too large"),
        ("[" * 100000, "", "too large|is not JSON"),
        ("[1]", "examples", "line 1: is not a JSON object with 'examples'"),
        ('{"a": []}', "examples", "has no 'examples'"),
        ('{"examples": 5}', "examples", "'examples' is not a list"),
    ],
)
def test_what_is_not_json_of_that_shape_is_refused(write, content, under, problem):
    file = open_file(write("t.json", content), "")
    with pytest.raises(BadDataset, match=problem):
        list(json_rows(file, "", under=under))


def test_csv_rows_have_the_headers_names_and_no_empty_cells(write):
    file = open_file(write("t.csv", 'a,b\n1,\n"two\nlines",3\n'), "")
    assert values(csv_rows(file, "")) == [
        ("t.csv line 2", {"a": "1"}),
        ("t.csv line 4", {"a": "two\nlines", "b": "3"}),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a\n1,2\n", r"line 2: has more cells than the header \(2 and 1\)"),
        ("a,b\n1,2\n3\n", r"line 3: has fewer cells than the header \(1 and 2\)"),
        ('a\n"1\n', "line 2: is not CSV .a quotation mark that opens in this row is never closed"),
        ('a,b\n1,2\n3,"4\n5,6\n7,8\n', "line 3: is not CSV"),
        ('a,b\n1,"2"3\n', "line 2: is not CSV .text follows a closing quotation mark"),
        ("a,a\n1,2\n", "line 1: has 2 columns called 'a'"),
    ],
)
def test_broken_csv_is_refused(write, content, problem):
    file = open_file(write("t.csv", content), "")
    with pytest.raises(BadDataset, match=problem):
        list(csv_rows(file, ""))


ROW = Row(
    "t line 1",
    {"text": " a ", "number": 2.5, "yes": True, "empty": " ", "null": None, "list": ["a", " b"]},
    "hint",
)


def test_getters_give_checked_values():
    assert ROW.text("text") == "a"
    assert ROW.scalar("number") == "2.5"
    assert ROW.scalar("yes") == "yes"
    assert ROW.texts("list") == ["a", "b"]
    assert Row("t", {"inner": {"a": "b"}}, "").inner("inner").text("a") == "b"


def test_an_optional_value_may_be_missing():
    assert ROW.optional("number") == 2.5
    assert ROW.optional("missing") is None
    assert ROW.has("null") and not ROW.has("missing")
    assert Row("t", [], "").optional("a") is None


@pytest.mark.parametrize(
    ("getter", "name", "problem"),
    [
        (Row.get, "missing", "t line 1: has no 'missing'"),
        (Row.text, "number", "'number' must be a text that is not empty"),
        (Row.text, "empty", "'empty' must be a text that is not empty"),
        (Row.scalar, "null", "'null' must be a text that is not empty"),
        (Row.texts, "text", "'text' must be a list of 2 to 26 texts"),
    ],
)
def test_getters_refuse_what_is_not_there(getter, name, problem):
    with pytest.raises(BadDataset, match=problem) as caught:
        getter(ROW, name)
    assert caught.value.hint == "hint"


@pytest.mark.parametrize("texts", [["a"], ["a"] * 27, ["a", ""], ["a", 1]])
def test_a_list_of_choices_is_two_to_twenty_six_texts(texts):
    with pytest.raises(BadDataset):
        Row("t", {"list": texts}, "").texts("list")


def test_a_number_that_is_none_and_half_a_character_are_refused():
    with pytest.raises(BadDataset, match="must be a text"):
        Row("t", {"a": float("nan")}, "").scalar("a")
    with pytest.raises(BadDataset, match="not valid Unicode"):
        Row("t", {"a": "\ud800"}, "").text("a")
    with pytest.raises(BadDataset, match="is not a JSON object"):
        Row("t", "text", "").get("a")


def test_a_cell_may_be_as_long_as_it_likes(write):
    cell = "fig " * 60_000
    (row,) = csv_rows(open_file(write("t.csv", f'a,b\n"{cell}",5\n'), ""), "")
    assert row.value == {"a": cell, "b": "5"}


def test_rows_of_empty_cells_are_none(write):
    file = open_file(write("t.csv", "a,b\n1,2\n,\n  , \n\n"), "")
    assert values(csv_rows(file, "")) == [("t.csv line 2", {"a": "1", "b": "2"})]
    assert list(csv_rows(open_file(write("t.csv", ",\n"), ""), "")) == []


def test_a_name_that_stands_twice_in_an_object_is_refused(write):
    file = open_file(write("t.jsonl", '{"a": 1}\n{"a": 1, "b": 2, "a": 3}\n'), "")
    with pytest.raises(BadDataset, match=r"t\.jsonl line 2: has 'a' twice"):
        list(json_rows(file, ""))


def test_files_that_were_put_together_keep_no_byte_order_mark(write):
    file = open_file(write("t.jsonl", '{"a": 1}\n\ufeff{"a": 2}\n'), "")
    assert [row.value["a"] for row in json_rows(file, "")] == [1, 2]


@pytest.mark.parametrize(
    ("name", "data", "what", "hint"),
    [
        ("t.gz", gzip.compress(gzip.compress(b"a")), "packed with gzip", "unpack it"),
        ("t.jsonl.gz", b"x", "packed with gzip", "unpack it"),
        ("t.bin", b"PAR1" + bytes(8), "a Parquet file", "write it as"),
        ("t.parquet", b"", "a Parquet file", "write it as"),
        ("t.xlsx", b"PK\x03\x04" + bytes(8), "an Excel file", "write it as"),
        ("t.zip", b"PK\x03\x04" + bytes(8), "a ZIP archive", "unpack it"),
        ("t.db", b"SQLite format 3\0", "a SQLite database", "write it as"),
    ],
)
def test_forms_that_are_not_read_are_called_by_their_name(tmp_path, name, data, what, hint):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadDataset, match=f"is {what}, and such files are not read") as refused:
        open_file(path, "")
    assert refused.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ('{"a": 1}'.encode("utf-16"), "line 1: is UTF-16 text, not UTF-8"),
        (b'{"a": 1}\n{"a\0": 1}', "line 2: holds a NUL byte"),
    ],
)
def test_text_in_another_encoding_is_named(tmp_path, data, problem):
    path = tmp_path / "t.jsonl"
    path.write_bytes(data)
    with pytest.raises(BadDataset, match=problem) as refused:
        open_file(path, "")
    assert refused.value.hint == "save it as UTF-8"
