"""`localfair reproduce`: a run done again says the same, or says what it said otherwise."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import TEACHER, Desk, review


@pytest.fixture
def recorded(desk: Desk) -> Desk:
    """A record with a run up to its verdicts."""
    assert desk.says(*review("--db", "lab.db")).code == 0
    return desk


def test_a_scripted_run_says_the_same_again(recorded: Desk) -> None:
    before = recorded.files()["lab.db"]
    said = recorded.says("reproduce", "--db", "lab.db", "--out", "again.db")
    assert said.code == 0, said.err
    assert "everything is the same" in said.out
    assert recorded.ids("again.db") == recorded.ids("lab.db")
    assert recorded.files()["lab.db"] == before
    assert recorded.says("db", "verify", "--db", "again.db").code == 0


def test_another_reply_is_named_with_its_place(recorded: Desk) -> None:
    changed = TEACHER.format(name="anna", delay=0.0).replace("You forgot", "He forgot")
    recorded.script("anna", changed)
    said = recorded.says("reproduce", "--db", "lab.db", "--out", "again.db")
    assert (said.code, said.error) == (
        2,
        "teacher#0:anna has other weights than in run " + said.error.rpartition(" ")[2],
    )
    assert not (recorded.folder / "again.db").exists()


def test_what_a_changed_record_said_comes_out_different(recorded: Desk) -> None:
    """A reply that was changed in the record is not what the model says."""
    import sqlite3

    with sqlite3.connect(recorded.folder / "lab.db") as connection:
        connection.execute(
            "UPDATE generations SET text = 'The answer is 7.' WHERE id ="
            " (SELECT generation FROM explanations WHERE kind = 'rationale' ORDER BY id LIMIT 1)"
        )
    said = recorded.says("reproduce", "--db", "lab.db", "--out", "again.db", "--json")
    assert said.code == 1
    found = json.loads(said.out)
    assert not found["same"]
    (step,) = [step for step in found["steps"] if step["step"] == "inquire"]
    assert (step["other_text"], step["only_old"], step["only_new"]) == (1, 0, 0)
    assert step["named"][0].startswith("explanation on ")
    assert any("batched" in reason for reason in found["reasons"])


def test_what_was_begun_goes_on_and_what_is_done_asks_nothing(recorded: Desk) -> None:
    again = ("reproduce", "--db", "lab.db", "--out", "again.db")
    assert recorded.says(*again).code == 0
    before = recorded.generations("again.db")
    said = recorded.says(*again)
    assert said.code == 0
    assert recorded.generations("again.db") == before
    assert "(0 calls" in said.err


def test_bad_input_is_one_line_and_a_hint(recorded: Desk) -> None:
    said = recorded.says("reproduce", "nope", "--db", "lab.db", "--out", "again.db")
    assert (said.code, said.error) == (2, "there is no run 'nope' in lab.db")
    said = recorded.says("reproduce", "--db", "lab.db", "--out", "lab.db")
    assert (said.code, said.error) == (2, "there is something at lab.db already")
    said = recorded.says("reproduce", "--db", "none.db", "--out", "again.db")
    assert said.code == 2
    assert not (recorded.folder / "again.db").exists()
