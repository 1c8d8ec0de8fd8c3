"""An id is named by its beginning; a run that is not named is the newest that will do."""

import pytest

from localfair.errors import UsageError
from localfair.record.connection import now
from localfair.record.nouns import Question
from localfair.record.resolving import Named, Wanted, newest, resolve
from localfair.record.tables import QUESTIONS


def runs(store, *ids):
    for run in ids:
        row = {
            "id": run,
            "recipe": "fair",
            "effective": "{}",
            "task": "t",
            "settings": "{}",
            "seed": 0,
            "versions": "{}",
            "started": now(),
            "status": "done",
        }
        store.ensure("runs", [row])


def ended_step(store, run):
    step = {"run": run, "position": 0, "step": "exam", "stage": "exam", "round": 1}
    store.ensure("run_steps", [step | {"started": now(), "ended": now()}])


def test_the_beginning_of_an_id_is_enough_with_and_without_what_says_that_it_is_a_hash(store):
    [question] = store.add(
        QUESTIONS, [Question(task="t", key="1", split="train", text="How many?", gold="3")]
    )
    for text in (question, question[:9], question.removeprefix("b2:"), question[3:8]):
        assert resolve(store, text) == Named("question", question)


def test_a_beginning_of_several_ids_names_them(store):
    runs(store, "abcd01", "abcd02", "ffff00")
    with pytest.raises(UsageError, match="run abcd01, run abcd02") as refused:
        resolve(store, "abcd")
    assert "more letters" in refused.value.hint
    assert resolve(store, "abcd02").id == "abcd02"


def test_of_many_that_begin_so_some_are_named(store):
    runs(store, *[f"abcd{number:02}" for number in range(30)])
    with pytest.raises(UsageError, match=r"run abcd05, \.\.\.$"):
        resolve(store, "abcd")


def test_a_whole_id_is_meant_before_those_that_it_begins(store):
    runs(store, "abcd", "abcd02")
    assert resolve(store, "abcd").id == "abcd"


@pytest.mark.parametrize(
    "text", ["", "b", "b2:", "b2:1", "%", "____", "no'such", "ab\udc80cd", "*"]
)
def test_what_begins_no_id_is_refused_with_a_hint(store, text):
    runs(store, "abcd01")
    with pytest.raises(UsageError, match="there is no run") as refused:
        resolve(store, text, ["run"])
    assert "--list" in refused.value.hint


def test_only_the_nouns_that_are_asked_for_are_looked_at(store):
    runs(store, "abcd01")
    with pytest.raises(UsageError, match="there is no question"):
        resolve(store, "abcd01", ["question"])


def test_the_newest_run_that_has_what_is_wanted_is_taken_and_newer_ones_are_counted(store):
    runs(store, "first", "second", "third", "fourth")
    assert newest(store, Wanted.STEP) is None
    ended_step(store, "first")
    ended_step(store, "second")
    chosen = newest(store, Wanted.STEP)
    assert (chosen.run, chosen.newer) == ("second", 2)
    assert newest(store, Wanted.STUDENT) is None
    assert newest(store, Wanted.LESSONS) is None
