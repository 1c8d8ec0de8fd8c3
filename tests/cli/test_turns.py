"""A committee in turn at the command line: killed, given again, extended, refused."""

from __future__ import annotations

import json
import shutil
import signal

import pytest

from localfair.record.store import Store
from tests.cli.conftest import Desk, seats
from tests.lab import item

SLOW = 0.06  # seconds a teacher's reply takes
QUESTIONS = 10
STUDENT_REPLIES = QUESTIONS + 1
SETTINGS = (
    "inquire.turns=true",
    "inquire.about=unsolved",
    "inquire.order_on=3",
    "inquire.write={ rationale = {}, repair = {} }",
    "review.mode=none",
)


@pytest.fixture
def slow(desk):
    """Ten questions, a student that is right about one, and three slow teachers of unlike skill."""
    return furnished(desk)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing ended: the empty record, the same when it was done, and the report."""
    desk = furnished(Desk(tmp_path_factory.mktemp("whole")))
    with Store.open(desk.folder / "empty.db", create=True):
        pass
    shutil.copy(desk.folder / "empty.db", desk.folder / "whole.db")
    done = desk.waits(desk.start(*in_turn("--db", "whole.db", "--json")))
    assert done.code == 0, done.err
    return desk, json.loads(done.out)


def furnished(desk):
    rows = [item(4100 + number, "train") for number in range(QUESTIONS)]
    rows += [item(9, "test"), item(8, "dev")]
    lines = "\n".join(json.dumps(row) for row in rows)
    (desk.folder / "items.jsonl").write_text(lines)
    desk.script("student", rule("4105") + rule("9999"))
    for name, right in (("anna", "410[0-2]"), ("bert", "410[0-6]"), ("cem", "9999")):
        desk.script(name, f"delay = {SLOW}\n" + rule(right))
    return desk


def rule(right):
    return (
        f"[[rule]]\nwhen = 'code of item ({right})'\nreplies = ['Read it. The answer is \\1.']\n"
        "[[rule]]\nwhen = ''\nreplies = ['The answer is 0.']\n"
    )


def in_turn(*more, settings=SETTINGS):
    """The command line of a run up to its lessons."""
    given = []
    for setting in settings:
        given += ["--set", setting]
    task = ("--task", "table", "--data", "items.jsonl")
    return ("inquire", "fair", *seats("anna", "bert", "cem"), *task, *given, *more)


def run_json(desk, *more):
    return json.loads(desk.says(*in_turn(*more, "--json")).out)


def turns(desk, db):
    with Store.open(desk.folder / db) as store:
        return store.rows("SELECT id, questions, teachers FROM turns")


@pytest.mark.parametrize("replies", [2, 12, 24], ids=["order", "still order", "turns"])
def test_a_killed_run_in_turn_ends_as_one_that_was_not(slow, whole, replies):
    undisturbed, report = whole
    shutil.copy(undisturbed.folder / "empty.db", slow.folder / "part.db")
    process = slow.start(*in_turn("--db", "part.db"))
    slow.until("part.db", STUDENT_REPLIES + replies, process)
    process.kill()
    assert slow.waits(process).code == -signal.SIGKILL
    answered = slow.generations("part.db")
    assert answered < report["backend_calls"]
    rest = run_json(slow, "--db", "part.db")
    assert rest["backend_calls"] == report["backend_calls"] - answered
    assert slow.ids("part.db") == undisturbed.ids("whole.db")
    assert turns(slow, "part.db") == turns(undisturbed, "whole.db")
    assert slow.says("db", "verify", "--db", "part.db").err == "sound\n"


def test_a_finished_run_again_asks_nobody_and_a_longer_one_only_about_what_is_new(slow):
    db = ("--db", "one.db")
    first = run_json(slow, *db, "--train-limit", 5)
    again = run_json(slow, *db, "--train-limit", 5)
    assert (again["backend_calls"], again["loads"]) == (0, 0)
    order = turns(slow, "one.db")
    with Store.open(slow.folder / "one.db") as store:
        old = {question.id for question in store.questions("table", "train", 5)}
        before = set(store.first_column("SELECT id FROM generations"))
    longer = run_json(slow, *db)
    assert longer["backend_calls"] > 0
    assert turns(slow, "one.db") == order
    with Store.open(slow.folder / "one.db") as store:
        asked = store.rows("SELECT question, generation FROM explanations")
    new = {each["question"] for each in asked if each["generation"] not in before}
    assert new
    assert new.isdisjoint(old)
    outcome = longer["steps"][-1]["outcome"]
    assert outcome["order"] == first["steps"][-1]["outcome"]["order"]


def test_the_order_is_told_with_the_step(slow):
    said = slow.says(*in_turn("--db", "one.db"))
    assert said.code == 0, said.err
    assert "order " in said.err + said.out
    assert "ordered on 3" in said.err + said.out


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("inquire.about=questions", "inquire.write.repair: a repair corrects a mistake"),
        ("inquire.write={ feedback = {} }", "inquire.turns: a turn ends with right answers"),
        ("inquire.order_on=0", "inquire.order_on: input should be greater than or equal to 1"),
        ("inquire.turns=maybe", "inquire.turns: input should be a valid boolean"),
        ("exam.enabled=false", "inquire.write.repair: the student's attempts come from an exam"),
    ],
)
def test_turns_that_cannot_work_are_refused_in_a_line(slow, setting, problem):
    said = slow.says(*in_turn("--db", "one.db", settings=(*SETTINGS, setting)))
    assert (said.code, said.out) == (2, "")
    assert problem in said.err
    assert "hint: " in said.err
    assert "Traceback" not in said.err
    assert not (slow.folder / "one.db").exists()
