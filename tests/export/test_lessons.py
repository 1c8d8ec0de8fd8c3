"""A run's lessons are exported as chats, the same lines for the same lessons."""

import json
import sqlite3
from dataclasses import asdict

import pytest

from localfair.errors import UsageError
from localfair.export.lessons import as_json_lines, chats, write
from localfair.record.lessons import kept_lessons
from localfair.record.store import Store


def exported(lab):
    with Store.open(lab.db) as store:
        return list(chats(store, None))


def test_a_chat_ends_with_what_is_taught(taught):
    found = exported(taught)
    assert len(found) == 16
    for chat in found:
        assert [turn.role for turn in chat.messages] == ["user", "assistant"]
        (lesson,) = taught.rows("SELECT * FROM lessons WHERE id = ?", chat.lesson)
        assert chat.messages[-1].content == lesson["completion"]
        assert chat.question == lesson["question"]


def test_a_chat_names_its_kind_its_weight_and_the_model_that_taught(taught):
    found = exported(taught)
    assert {chat.kind for chat in found} == {"feedback", "rationale"}
    assert {chat.teacher for chat in found} <= {"t0", "t1", "t2"}
    assert {chat.weight for chat in found} == {1.0}


def test_lines_are_in_the_order_of_their_ids(taught):
    ids = [chat.lesson for chat in exported(taught)]
    assert ids == sorted(ids)


def test_a_dropped_lesson_is_left_out(taught, tmp_path):
    lab = taught.copy(tmp_path)
    first = exported(lab)[0].lesson
    with sqlite3.connect(lab.db) as connection:
        connection.execute("UPDATE lessons SET dropped = 'leaks' WHERE id = ?", [first])
    with Store.open(lab.db) as store:
        (run,) = store.rows("SELECT id FROM runs")
        kept = [lesson.id for lesson in kept_lessons(store, run["id"])]
    assert len(kept) == 15
    assert first not in kept


def test_the_file_holds_the_lines_and_the_same_again(taught, tmp_path):
    with Store.open(taught.db) as store:
        text = as_json_lines(store, None)
        for _ in range(2):
            path = write(store, None, tmp_path)
            assert path == tmp_path / "lessons.jsonl"
            assert path.read_text() == text
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines == [json.loads(json.dumps(asdict(chat))) for chat in exported(taught)]
    keys = ["messages", "kind", "weight", "teacher", "own", "question", "lesson"]
    assert {tuple(line) for line in lines} == {tuple(keys)}


def test_a_run_without_lessons_is_refused(lab):
    lab.run(until="exam")
    with Store.open(lab.db) as store, pytest.raises(UsageError, match="made no lessons"):
        as_json_lines(store, None)


def test_a_file_of_that_name_that_holds_no_lessons_stays(taught, tmp_path):
    path = tmp_path / "lessons.jsonl"
    path.write_text('{"mine": 1}\n')
    with (
        Store.open(taught.db) as store,
        pytest.raises(UsageError, match=r"lessons\.jsonl is there already"),
    ):
        write(store, None, tmp_path)
    path.unlink()
    with Store.open(taught.db) as store:
        write(store, None, tmp_path)
        write(store, None, tmp_path)
