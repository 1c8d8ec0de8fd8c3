"""What others wrote is read within bounds of size, depth and kind of file."""

from __future__ import annotations

import os

import pytest

from localfair.machine.bounds import (
    MOST_DEPTH,
    MOST_DOTS,
    OutOfBounds,
    must_be_file,
    must_be_shallow,
    read_bytes,
    toml_table,
)


def test_a_file_is_read_up_to_its_bound(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert must_be_file(path) == 5
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(OutOfBounds, match="it has 5 bytes, at most 4 are read"):
        read_bytes(path, 4)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_never_opened(tmp_path, make):
    path = tmp_path / "odd"
    make(path)
    with pytest.raises(OutOfBounds, match="no regular file"):
        read_bytes(path, 100)


def test_a_folder_is_refused_in_the_systems_own_words(tmp_path):
    with pytest.raises(IsADirectoryError) as raised:
        read_bytes(tmp_path, 100)
    assert raised.value.filename == str(tmp_path)


def test_toml_is_read_up_to_a_number_of_dots_and_a_depth():
    assert toml_table("a.b = 1") == {"a": {"b": 1}}
    for key in ("a." * MOST_DOTS + "b = 1", "[" + ".a" * 20_000 + "]"):
        with pytest.raises(OutOfBounds, match=f"more than {MOST_DOTS} parts"):
            toml_table(key)
    with pytest.raises(OutOfBounds, match=f"more than {MOST_DEPTH} deep"):
        toml_table("a = " + "[" * 100 + "]" * 100)


def test_a_container_is_shallow_up_to_its_bound():
    content: list[object] = []
    for _ in range(MOST_DEPTH - 1):
        content = [content]
    must_be_shallow(content)
    with pytest.raises(OutOfBounds):
        must_be_shallow([content])
