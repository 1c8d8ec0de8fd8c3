"""The same adapter in the same format at the same path is exported once."""

import hashlib

import pytest

from localfair.errors import DiskFull, UsageError
from localfair.export.once import (
    digest,
    export_once,
    refuse_others_beside,
    write_beside,
    write_files,
)


def writing(text):
    """Writes a file, and counts how often it was asked to."""

    def write(path):
        write.calls += 1
        path.write_text(text)

    write.calls = 0
    return write


def test_what_stands_there_already_is_not_made_again(store, tmp_path):
    write = writing("weights")
    first = export_once(store, "b2:a", "merged", tmp_path / "file", write)
    again = export_once(store, "b2:a", "merged", tmp_path / "file", write)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.id, again.sha256, again.bytes) == (first.id, first.sha256, 7)
    assert write.calls == 1


def test_a_lost_file_is_made_again(store, tmp_path):
    write = writing("weights")
    path = tmp_path / "file"
    first = export_once(store, "b2:a", "merged", path, write)
    path.unlink()
    again = export_once(store, "b2:a", "merged", path, write)
    assert again.is_new
    assert again.id == first.id
    assert path.read_text() == "weights"


def test_what_was_changed_or_another_adapters_is_replaced_only_by_force(store, tmp_path):
    path = tmp_path / "file"
    export_once(store, "b2:a", "merged", path, writing("one"))
    with pytest.raises(UsageError, match="file is there already") as refused:
        export_once(store, "b2:b", "merged", path, writing("two"))
    assert "--force" in refused.value.hint
    assert path.read_text() == "one"
    other = export_once(store, "b2:b", "merged", path, writing("two"), force=True)
    assert other.is_new
    assert path.read_text() == "two"
    assert store.counts()["exports"] == 2


def test_a_failed_export_leaves_neither_a_file_nor_a_row(store, tmp_path):
    def write(path):
        path.write_text("half")
        raise UsageError("no", "never")

    with pytest.raises(UsageError):
        export_once(store, "b2:a", "merged", tmp_path / "out" / "file", write)
    assert list((tmp_path / "out").iterdir()) == []
    assert store.counts()["exports"] == 0


def test_a_full_disk_is_one_line_and_leaves_nothing(store, tmp_path):
    def write(path):
        path.write_text("half")
        raise OSError("4096 requested and 512 written")  # as numpy says it

    with pytest.raises(DiskFull, match="no space left"):
        export_once(store, "b2:a", "merged", tmp_path / "out" / "file", write)
    assert list((tmp_path / "out").iterdir()) == []


def writing_folder(*names):
    """Writes a folder of small files."""

    def write(folder):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)

    return write


@pytest.mark.parametrize("theirs", ["folder", "file", "link"])
def test_what_no_export_made_is_neither_removed_nor_written_through(store, tmp_path, theirs):
    path = tmp_path / "out"
    thesis = tmp_path / "thesis.tex"
    if theirs == "folder":
        path.mkdir()
        thesis = path / "thesis.tex"
    thesis.write_text("three years")
    if theirs == "file":
        path.write_text("three years")
    if theirs == "link":
        path.symlink_to(thesis)
    with pytest.raises(UsageError) as refused:
        export_once(store, "b2:a", "adapter", path, writing_folder("weights"))
    assert "another --out" in refused.value.hint
    assert thesis.read_text() == "three years"
    assert path.is_symlink() == (theirs == "link")
    assert store.counts()["exports"] == 0


@pytest.mark.parametrize("more", ["notes.txt", "folder/notes.txt"])
def test_what_was_added_to_an_exported_folder_is_not_lost_with_it(store, tmp_path, more):
    path = tmp_path / "out"
    write = writing_folder("config", "weights")
    export_once(store, "b2:a", "adapter", path, write)
    (path / more).parent.mkdir(exist_ok=True)
    (path / more).write_text("mine")
    with pytest.raises(UsageError, match=r"out holds (notes\.txt|folder), which no export made"):
        export_once(store, "b2:a", "adapter", path, write, force=True)
    assert (path / more).read_text() == "mine"


def test_a_changed_file_of_an_exported_folder_is_made_again_by_force(store, tmp_path):
    path = tmp_path / "out"
    write = writing_folder("config", "weights")
    export_once(store, "b2:a", "adapter", path, write)
    (path / "weights").write_text("cut")
    with pytest.raises(UsageError, match="out is there already"):
        export_once(store, "b2:a", "adapter", path, write)
    assert export_once(store, "b2:a", "adapter", path, write, force=True).is_new
    assert (path / "weights").read_text() == "weights"


def test_the_digest_of_a_folder_is_that_of_its_files_names_and_hashes(tmp_path):
    (tmp_path / "b").write_text("2")
    (tmp_path / "a").write_text("1")
    lines = f"a {digest(tmp_path / 'a')}\nb {digest(tmp_path / 'b')}\n"
    assert digest(tmp_path / "a") == hashlib.sha256(b"1").hexdigest()
    assert digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()


def test_a_folder_of_texts_is_written_once_and_replaced_only_by_force(tmp_path):
    folder = tmp_path / "out" / "lessons"
    write_files(folder, {"a": b"1", "b": b"2"}, force=False)
    before = (folder / "a").stat().st_mtime_ns
    assert write_files(folder, {"a": b"1", "b": b"2"}, force=False) == folder
    assert (folder / "a").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="lessons is there already"):
        write_files(folder, {"a": b"3"}, force=False)
    with pytest.raises(UsageError, match="lessons holds b, which no export made"):
        write_files(folder, {"a": b"3"}, force=True)
    write_files(folder, {"a": b"3", "b": b"4"}, force=True)
    assert [file.read_bytes() for file in sorted(folder.iterdir())] == [b"3", b"4"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["lessons"]


def test_files_beside_others_are_looked_at_before_any_is_written(tmp_path):
    files = {"Modelfile": b"FROM ./a", "USAGE.md": b"# a"}
    (tmp_path / "a.gguf").write_text("weights")
    (tmp_path / "USAGE.md").write_text("my own words")
    with pytest.raises(UsageError, match=r"USAGE\.md is there already"):
        refuse_others_beside(tmp_path, files, force=False)
    refuse_others_beside(tmp_path, files, force=True)
    write_beside(tmp_path, files)
    refuse_others_beside(tmp_path, files, force=False)
    assert (tmp_path / "USAGE.md").read_text() == "# a"
    assert (tmp_path / "a.gguf").read_text() == "weights"
