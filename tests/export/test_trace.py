"""An exported student is led back to its lessons, their authors, and what they were asked."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from localfair.cli import main
from localfair.errors import UsageError
from localfair.export.trace import trace
from localfair.record.store import Store

pytest.importorskip("llama_cpp")


def nodes(tree, noun):
    """Every node of a noun, in the order of the tree."""
    found = [tree] if tree.noun == noun else []
    for child in tree.children:
        found += nodes(child, noun)
    return found


def traced(lab, what, lesson=None):
    with Store.open(lab.db) as store:
        return trace(store, str(what), lesson)


def test_a_file_is_known_by_its_bytes_wherever_it_lies(taught, tmp_path):
    exported = taught.gguf(tmp_path / "out")
    moved = tmp_path / "renamed.gguf"
    shutil.copy(exported.export.path, moved)
    tree = traced(taught, moved)
    assert tree.noun == "export"  # the first of those with these bytes
    assert exported.export.sha256 in tree.title
    (adapter,) = tree.children
    (row,) = taught.rows("SELECT id, base, sha256 FROM adapters")
    assert adapter.id == row["id"]
    assert adapter.text == f"base {row['base']}"
    assert row["sha256"] in adapter.title


def test_every_lesson_names_its_author_and_the_authors_weights(taught):
    (row,) = taught.rows("SELECT id FROM adapters")
    tree = traced(taught, row["id"][:12])
    lessons = nodes(tree, "lesson")
    learned = taught.rows(
        "SELECT lesson FROM adapter_lessons WHERE dropped IS NULL ORDER BY position"
    )
    assert [lesson.id for lesson in lessons] == [each["lesson"] for each in learned]
    for lesson in lessons:
        assert "by teacher" in lesson.title
        assert "sha256:" in lesson.title
    assert any(node.title.startswith("teacher ") for node in nodes(tree, "terms"))


def test_one_lesson_shows_its_mistake_its_reviews_and_what_its_author_was_asked(taught):
    (row,) = taught.rows("SELECT id FROM adapters")
    tree = traced(taught, row["id"], lesson=1)
    assert len(tree.children) == len(nodes(tree, "terms")) + 1
    assert nodes(tree, "question")
    assert "mistake of student" in nodes(tree, "answer")[0].title
    assert nodes(tree, "review")
    assert nodes(tree, "verdict")[0].title.startswith("accepted")
    (asked,) = nodes(tree, "generation")
    assert nodes(asked, "message")
    assert asked.text


def test_what_is_no_export_and_no_adapter_is_a_line(taught, tmp_path):
    stray = tmp_path / "stray.gguf"
    stray.write_bytes(b"GGUF")
    with pytest.raises(UsageError, match="is no export of"):
        traced(taught, stray)
    os.mkfifo(tmp_path / "pipe")
    for what in (tmp_path / "pipe", tmp_path):  # never waited for, never read through
        with pytest.raises(UsageError, match="is neither a file nor a folder of files"):
            traced(taught, what)
    with pytest.raises(UsageError, match="there is no adapter 'b2:00nope'"):
        traced(taught, "b2:00nope")
    (row,) = taught.rows("SELECT id FROM adapters")
    with pytest.raises(UsageError, match="there is no lesson 999"):
        traced(taught, row["id"], lesson=999)


def test_the_command_line_prints_a_tree_and_json(taught, capsys):
    (row,) = taught.rows("SELECT id FROM adapters")
    for more in ([], ["--json", "--lesson", "1"]):
        with pytest.raises(SystemExit) as ended:
            main(["trace", row["id"], "--db", str(taught.db), *more])
        assert not ended.value.code
    out = capsys.readouterr().out
    assert "├─ " in out
    assert json.loads(out[out.index("{\n") :])["noun"] == "adapter"
