"""A run's lessons are exported as chats, the same lines for the same lessons."""

import json
import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from localfair.errors import MissingDependency, UsageError
from localfair.export.lessons import as_json_lines, chats, write
from localfair.export.once import Destination
from localfair.record.lessons import kept_lessons
from localfair.record.runs import newest_run
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
    assert {chat.weight for chat in found} == {0.5}  # fair's loss takes half of each kind


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


def written(lab, out, form="messages", force=False):
    with Store.open(lab.db) as store:
        return write(store, None, form, Destination(out, force))


def json_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_folder_holds_the_lines_and_the_same_again(taught, tmp_path):
    with Store.open(taught.db) as store:
        text = as_json_lines(store, None)
        run = newest_run(store)
    for _ in range(2):
        path = written(taught, tmp_path)
        assert path.name == "lessons.jsonl"
        assert path.parent.name == f"{Path(taught.student).name}-fair-{run}-lessons"
        assert path.read_text() == text
    assert json_lines(path) == [json.loads(json.dumps(asdict(chat))) for chat in exported(taught)]
    keys = ["messages", "kind", "weight", "teacher", "own", "question", "lesson"]
    assert {tuple(line) for line in json_lines(path)} == {tuple(keys)}


def test_llama_factory_finds_the_chats_by_dataset_info(taught, tmp_path):
    path = written(taught, tmp_path)
    (entry,) = json.loads((path.parent / "dataset_info.json").read_text()).values()
    assert (path.parent / entry["file_name"]).is_file()
    (line, *_) = json_lines(path)
    turns = line[entry["columns"]["messages"]]
    assert set(turns[0]) == {entry["tags"]["role_tag"], entry["tags"]["content_tag"]}
    roles = {entry["tags"][f"{role}_tag"] for role in ("user", "assistant", "system")}
    assert {turn[entry["tags"]["role_tag"]] for turn in turns} <= roles


def test_prompt_and_completion_apart_are_the_chats_turns(taught, tmp_path):
    apart = json_lines(written(taught, tmp_path, "prompt-completion"))
    assert [line["prompt"] + line["completion"] for line in apart] == [
        line["messages"] for line in json_lines(written(taught, tmp_path))
    ]
    assert {len(line["completion"]) for line in apart} == {1}
    assert {line["weight"] for line in apart} == {0.5}


@pytest.mark.parametrize("form", ["messages", "prompt-completion", "dataset"])
def test_a_page_has_a_line_for_each_trainer(taught, tmp_path, form):
    if form == "dataset":
        pytest.importorskip("pyarrow")
    path = written(taught, tmp_path, form)
    folder = path if path.is_dir() else path.parent
    page = (folder / "README.md").read_text()
    for trainer in ("TRL", "Axolotl", "LLaMA-Factory", "Unsloth"):
        assert f"| {trainer}" in page
    assert page.startswith("---\nlicense: ") == (form == "dataset")


def test_a_data_set_holds_the_lines_of_prompt_and_completion(taught, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = written(taught, tmp_path, "dataset")
    rows = parquet.read_table(folder / "train.parquet").to_pylist()
    assert rows == json_lines(written(taught, tmp_path, "prompt-completion"))
    assert written(taught, tmp_path, "dataset") == folder


def test_a_data_set_without_pyarrow_says_what_to_install_and_writes_nothing(
    taught, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency) as refused:
        written(taught, tmp_path / "out", "dataset")
    assert "localfair[data]" in refused.value.hint
    assert not (tmp_path / "out").exists()


def test_a_run_without_lessons_is_refused(lab):
    lab.run(until="exam")
    with Store.open(lab.db) as store, pytest.raises(UsageError, match="made no lessons"):
        as_json_lines(store, None)


def test_changed_lessons_stay_unless_they_are_forced_away(taught, tmp_path):
    path = written(taught, tmp_path)
    path.write_text('{"mine": 1}\n')
    with pytest.raises(UsageError, match=r"-lessons is there already") as refused:
        written(taught, tmp_path)
    assert "--force" in refused.value.hint
    assert path.read_text() == '{"mine": 1}\n'
    assert len(json_lines(written(taught, tmp_path, force=True))) == 16
