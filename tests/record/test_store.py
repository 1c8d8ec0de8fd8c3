"""The record: idempotent, one writer, refuses what it must, and can check itself."""

import sqlite3

import pytest

from localfair.errors import DatabaseBusy, NewerDatabase, NoDatabase, StoreError
from localfair.record.nouns import EngineIdentity, Generation, Message, Question, Request, Sampling
from localfair.record.schema import VERSION
from localfair.record.store import Store
from localfair.record.verify import verify
from localfair.tasks.base import Dataset, Source

ENGINE = EngineIdentity(model="m", fingerprint="f", chat_template="c", engine="scripted")
QUESTIONS = tuple(
    Question(task="t", key=str(n), split="train", text=f"{n}?", gold=str(n), choices=("a", "b"))
    for n in range(5)
)
DATASET = Dataset(QUESTIONS, (Source("t.jsonl", "ab" * 32, 7),), "mit")


def generation(text="hello", **request):
    asked = Request(
        messages=(Message("user", "hi"),), sampling=Sampling(temperature=0.7), **request
    )
    return Generation(
        request=asked, text=text, finish="stop", prompt_tokens=1, completion_tokens=1, seconds=0.1
    )


def test_the_same_dataset_twice_is_stored_once(store):
    assert store.ensure_dataset("t", DATASET) == 5
    assert store.ensure_dataset("t", DATASET) == 0
    assert sorted(store.questions("t", "train"), key=lambda q: q.key) == list(QUESTIONS)


def test_the_first_n_questions_are_among_the_first_n_plus_one(store):
    store.ensure_dataset("t", DATASET)
    assert store.questions("t", "train", 4)[:3] == store.questions("t", "train", 3)


def test_a_generation_is_on_disk_when_it_is_added(store):
    row = store.add_generation(ENGINE, generation())
    with Store.open(store.path) as other:
        assert other.recorded([row["id"]])[row["id"]]["text"] == "hello"


def test_the_same_request_keeps_its_first_reply(store):
    store.add_generation(ENGINE, generation("first"))
    row = store.add_generation(ENGINE, generation("second"))
    assert store.recorded([row["id"]])[row["id"]]["text"] == "first"


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"sample": 1},
        {"action": "score"},
        {"continuations": ("1",)},
    ],
)
def test_whatever_decides_a_reply_is_part_of_its_identity(other):
    assert generation(**other).request.id(ENGINE) != generation().request.id(ENGINE)


def test_a_greedy_reply_does_not_depend_on_its_seed_nor_on_what_it_is_about():
    one = Request(messages=(Message("user", "hi"),), seed=1, about="a")
    two = Request(messages=(Message("user", "hi"),), seed=2, about="b")
    assert one.id(ENGINE) == two.id(ENGINE)


@pytest.mark.parametrize("field", ["fingerprint", "adapter", "chat_template", "engine"])
def test_another_engine_is_another_request(field):
    from dataclasses import replace

    assert generation().request.id(replace(ENGINE, **{field: "other"})) != generation().request.id(
        ENGINE
    )


def test_a_lesson_from_test_is_refused(store):
    question = Question(task="t", key="9", split="test", text="9?", gold="9")
    store.ensure_dataset("t", Dataset((question,), (), "mit"))
    lesson = {
        "id": "l", "question": question.id, "split": "train", "kind": "answer", "teacher": None,
        "prompt": "[]", "completion": "9", "weight": 1.0, "dropped": None,
    }  # fmt: skip
    with pytest.raises(sqlite3.IntegrityError):
        store.ensure("lessons", [lesson])
    with pytest.raises(sqlite3.IntegrityError):
        store.ensure("lessons", [lesson | {"split": "test"}])


def test_a_missing_database_is_not_made_by_looking(tmp_path):
    with pytest.raises(NoDatabase):
        Store.open(tmp_path / "none.db")
    assert not list(tmp_path.iterdir())


def test_an_empty_file_is_no_database_until_somebody_writes(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(NoDatabase):
        Store.open(path)
    assert path.stat().st_size == 0
    with Store.open(path, create=True) as made:
        assert verify(made) == []


def test_a_database_from_a_newer_version_is_left_alone(store):
    store.db.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(NewerDatabase, match=str(VERSION + 1)):
        Store.open(store.path)


def test_another_programs_database_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    with pytest.raises(StoreError, match="other program"):
        Store.open(tmp_path / "other.db", create=True)


def test_there_is_one_writer(store):
    with pytest.raises(DatabaseBusy):
        Store.open(store.path, create=True)


def test_writes_are_durable(store):
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    assert [store.db.execute(f"PRAGMA {p}").fetchone()[0] for p in pragmas] == ["wal", 2, 1]


def test_a_sound_record_verifies_and_a_changed_one_does_not(store):
    store.ensure_dataset("t", DATASET)
    store.add_generation(ENGINE, generation())
    assert verify(store) == []
    store.db.execute("UPDATE generations SET seed = seed + 1")
    store.db.execute("UPDATE questions SET gold = 'x' WHERE key = '1'")
    assert [p.split()[0] for p in verify(store)] == ["question", "generation"]


def test_the_fence_key_is_made_once(store):
    key = store.fence_key()
    with Store.open(store.path) as other:
        assert other.fence_key() == key and len(key) == 32
