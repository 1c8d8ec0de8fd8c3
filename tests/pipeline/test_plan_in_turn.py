"""A plan bounds from above what a run asks in turn and for repairs, whatever the record holds."""

from pathlib import Path

import pytest

from localfair.pipeline.plan import plan
from localfair.record.store import Store
from tests.lab import script, scripted_student
from tests.stages.test_turns import committee

IN_TURN = ("inquire.turns=true", "inquire.about=unsolved", "inquire.order_on=3")
RATIONALES = (*IN_TURN, "inquire.write={ rationale = { samples = 2 } }")
REPAIRS = (*IN_TURN, "inquire.write={ repair = {} }", "exam.unreadable_is=format")
BOTH = (*IN_TURN, "inquire.write={ rationale = {}, repair = {}, feedback = {} }")
MISTAKES = (
    "inquire.turns=true",
    "inquire.order_on=2",
    "inquire.write={ repair = {}, rationale = {} }",
)
NOT_TRAINED = ("train.enabled=false", "rounds=2", "exam.samples=2", "exam.sampling.temperature=1")


@pytest.fixture
def student(lab):
    """A student that is right now and then: what its exam leaves unsolved is not known before."""
    rule = (
        "[[rule]]\nwhen = 'code of item (401[1-6])'\n"
        "replies = ['It is 1.', 'I cannot say.', 'It is \\1.']\n"
        "[[rule]]\nwhen = ''\nreplies = ['The answer is 1.']\n"
    )
    return script(lab.folder, "wavering", rule)


def held_to_its_plan(lab, student, settings, **options):
    """Plan and run; every step asked no more than its plan says."""
    options = {"student": student, "teachers": committee(lab)} | options
    settings = (*NOT_TRAINED, *settings)
    planned = plan(lab.order(settings=settings, **options))
    ran = lab.run(settings=settings, **options)
    for step in ran["steps"]:
        lines = [
            line
            for line in planned.lines
            if (line.step, line.round) == (step["step"], step["round"])
        ]
        most = sum(line.most_calls for line in lines)
        if step["stage"] == "inquire":
            assert step["loads"] <= sum(line.loads for line in lines), step
        assert step["calls"] <= most, step
        assert step["calls"] + step["reused"] <= most + sum(line.recorded for line in lines), step
    return planned, ran


@pytest.mark.parametrize("settings", [RATIONALES, REPAIRS, BOTH, MISTAKES])
@pytest.mark.parametrize("limit", [1, 4, 8])
def test_a_run_asks_no_more_than_its_plan_says(lab, student, settings, limit):
    held_to_its_plan(lab, student, settings, train_limit=limit)


@pytest.mark.parametrize("settings", [RATIONALES, REPAIRS, BOTH, MISTAKES])
@pytest.mark.parametrize("until", ["exam", "inquire"])
def test_so_it_is_where_a_run_goes_on_or_takes_more_questions(lab, student, settings, until):
    begun = (*NOT_TRAINED, *settings)
    lab.run(settings=begun, student=student, teachers=committee(lab), until=until, train_limit=5)
    held_to_its_plan(lab, student, settings, train_limit=5)
    held_to_its_plan(lab, student, settings)
    planned, ran = held_to_its_plan(lab, student, settings)
    assert planned.calls + planned.more == ran["backend_calls"] == 0


@pytest.mark.parametrize("answered_by", [0, 1, 2])
def test_what_one_teacher_has_answered_before_spares_no_call_of_another_order(
    lab, student, answered_by
):
    """The record holds right answers of a teacher whose turn is not known yet."""
    settings = ("inquire.about=questions", "inquire.write={ rationale = { samples = 2 } }")
    teachers = committee(lab)
    lab.run(settings=settings, student=student, teachers=teachers, until="inquire")
    with_gaps(lab, teachers[answered_by])
    held_to_its_plan(lab, student, RATIONALES)


def with_gaps(lab, teacher):
    """Forget what all but one teacher wrote, and which steps were done."""
    name = Path(teacher).name.removesuffix(".script.toml")
    with Store.open(lab.db, create=True) as store, store.transaction():
        store.db.execute("DELETE FROM done_steps")
        store.db.execute(
            "DELETE FROM explanations WHERE seat NOT IN (SELECT id FROM seats WHERE model = ?)",
            [name],
        )
        store.db.execute(
            "DELETE FROM generations WHERE model <> ? AND model IN ('none', 'all', 'few')", [name]
        )


def test_before_anything_is_asked_everybody_may_be_asked_about_everything(lab):
    options = {"student": scripted_student(lab.folder), "teachers": committee(lab)}
    planned = plan(lab.order(settings=RATIONALES, **options), until="inquire")
    inquiry = [line for line in planned.lines if line.step == "inquire"]
    assert [(line.calls, line.more) for line in inquiry] == [(0, 8 * 2)] * 3


def test_once_the_student_sat_only_what_it_left_is_planned(lab):
    options = {"student": scripted_student(lab.folder), "teachers": committee(lab)}
    lab.run(settings=RATIONALES, until="exam", **options)
    planned = plan(lab.order(settings=RATIONALES, **options), until="inquire")
    inquiry = [line for line in planned.lines if line.step == "inquire"]
    # 7 of 8 are left, and the one that is solved may be among the first three
    assert {(line.calls, line.more) for line in inquiry} <= {(7 * 2, 0), (8 * 2, 0)}
