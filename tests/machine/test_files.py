"""Whole or not at all, a full disk told apart from other errors, and the hash of a file."""

import errno
import os
import sqlite3
import stat

import pytest

from localfair.errors import DiskFull, UsageError
from localfair.machine.files import (
    NotText,
    as_text,
    decoded,
    disk_is_full,
    full_disk_as,
    put,
    replacing,
    says_disk_is_full,
    sha256_file,
    whole,
    write_whole,
)


def write_folder(folder, text):
    folder.mkdir()
    (folder / "config.json").write_text(text)


def test_a_file_takes_its_name_when_the_block_ends_and_nothing_lies_beside_it(tmp_path):
    target = tmp_path / "new" / "weights.bin"
    with replacing(target) as written:
        written.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("durable", [False, True])
def test_a_folder_takes_the_place_of_an_older_one(tmp_path, durable):
    target = tmp_path / "model"
    write_folder(target, "old")
    (target / "only-old").touch()
    with replacing(target, durable=durable) as written:
        write_folder(written, "new")
    assert [file.name for file in target.iterdir()] == ["config.json"]
    assert (target / "config.json").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_target_as_it_was(tmp_path, error):
    target = tmp_path / "weights.bin"
    target.write_text("old")
    with pytest.raises(error), replacing(target) as written:
        written.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(("good", "kept"), [(True, "theirs"), (False, "ours")])
def test_a_folder_that_another_process_finished_first_stays_when_it_is_good(tmp_path, good, kept):
    target = tmp_path / "model"
    with replacing(target, keep=lambda there: good and there.exists()) as written:
        write_folder(written, "ours")
        write_folder(target, "theirs")
    assert (target / "config.json").read_text() == kept


def test_a_file_never_takes_the_place_of_a_folder(tmp_path):
    write_folder(tmp_path / "model", "precious")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        put(tmp_path / "file", tmp_path / "model")
    assert (tmp_path / "model" / "config.json").read_text() == "precious"


def test_text_replaces_a_file_and_may_be_read_by_others_whatever_the_umask(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text("old")
    before = os.umask(0o077)
    try:
        write_whole(path, "näme")
    finally:
        os.umask(before)
    assert path.read_text(encoding="utf-8") == "näme"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_full_disk_under_an_export_is_one_line_and_leaves_nothing(tmp_path):
    target = tmp_path / "out" / "a.gguf"
    with pytest.raises(DiskFull, match="no space left") as full, whole(target) as written:
        written.write_bytes(b"half")
        raise OSError("4096 requested and 512 written")  # as numpy says it
    assert str(target) in full.value.message and "--out" in full.value.hint
    assert list(target.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_a_usage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write to"), whole(tmp_path / "file" / "a.gguf"):
        pass


def test_another_error_under_an_export_is_no_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError), whole(tmp_path / "a.gguf"):
        (tmp_path / "missing").read_text()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        OSError("4096 requested and 512 written"),
        sqlite3.OperationalError("database or disk is full"),
        ValueError("I/O error: No space left on device (os error 28)"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
        RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"),
    ],
)
def test_a_full_disk_is_known_whoever_reports_it(error):
    assert disk_is_full(error)
    with pytest.raises(DiskFull, match="no room"), full_disk_as("no room", "make some"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        sqlite3.OperationalError("database is locked"),
        ValueError("I/O error: Permission denied (os error 13)"),
        ValueError("3 requested and 2 given"),
    ],
)
def test_another_error_passes_unchanged(error):
    assert not disk_is_full(error)
    with pytest.raises(type(error)) as passed, full_disk_as("no room", "make some"):
        raise error
    assert passed.value is error


def test_a_child_process_says_that_the_disk_is_full():
    assert says_disk_is_full("ERROR: Could not install: [Errno 28] No space left on device")
    assert not says_disk_is_full("ERROR: No matching distribution found")


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    digest = sha256_file(tmp_path / "abc")
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_byte_order_mark_and_foreign_line_ends_are_no_text(tmp_path):
    path = tmp_path / "saved.md"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert as_text(path.read_bytes()) == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("fig".encode("utf-16"), "line 1: is UTF-16 text, not UTF-8"),
        ("fig".encode("utf-32"), "line 1: is UTF-32 text, not UTF-8"),
        (b"\xfe\xff\0f", "line 1: is UTF-16 text, not UTF-8"),
        (b"fig\n\xe9t\xe9\n", "line 2: is not UTF-8 text"),
        (b"fig\n\na\0b", "line 3: holds a NUL byte"),
    ],
)
def test_bytes_that_are_no_utf8_text_are_named_with_their_line(data, problem):
    with pytest.raises(NotText) as refused:
        decoded(data)
    assert str(refused.value) == problem


@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_the_user_names_is_neither_followed_nor_replaced(tmp_path, there):
    target = tmp_path / "target"
    if there:
        target.write_text("theirs")
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(UsageError, match="is a link"), whole(link) as written:
        written.write_text("ours")
    assert link.is_symlink()
    assert target.exists() == there
