"""The student's own right answers become lessons."""

import sqlite3
from collections import Counter

import pytest

from localfair.pipeline.plan import plan
from localfair.record.store import Store
from localfair.record.verify import verify
from tests.lab import always, item, script
from tests.stages.test_select import UNREVIEWED, reasons, select

# of three samples of an item one is wrong, and two that are right differ by white space
DIVERSE = r"""
[[rule]]
when = '.*code of item (\d+)'
replies = [
  'It is \1. The answer is \1.', 'It is  \1. The answer is \1.',
  'The answer is 1.', 'So \1. The answer is \1.',
]
"""
OWN = ("select.per_question.own=all", "exam.samples=6", "exam.sampling.temperature=0.8")
OWN = (*OWN, "exam.sampling.max_tokens=40")
ALONE = (*OWN, "select.per_question.feedback=0", "select.per_question.rationale=0")
ALONE = (*ALONE, "train.loss.feedback.weight=0")


def diverse(lab):
    return script(lab.folder, "diverse", DIVERSE)


def own(lessons):
    return [row for row in lessons if row["kind"] == "rationale" and row["teacher"] is None]


def sources_of(lab, lesson):
    rows = lab.rows("SELECT noun, row FROM lesson_sources WHERE lesson = ?", lesson["id"])
    return {row["noun"]: row["row"] for row in rows}


def asked(found, step):
    return sum(each["calls"] for each in found["steps"] if each["step"] == step)


# -- own answers ----------------------------------------------------------------------------------


def test_an_own_answer_beyond_the_runs_questions_is_a_lesson_like_another(lab):
    settings = (*ALONE, "exam.beyond=2")
    outcome, lessons = select(lab, *settings, student=diverse(lab), train_limit=3)
    assert outcome["questions"] == len({lesson["question"] for lesson in own(lessons)}) == 5


def test_right_answers_of_the_exam_are_lessons_with_the_exams_prompt(lab):
    outcome, lessons = select(lab, *ALONE, student=diverse(lab))
    assert outcome["own"] == outcome["lessons"] == outcome["rationale"] > 8
    for lesson in own(lessons):
        answer = lab.rows("SELECT * FROM answers WHERE id = ?", sources_of(lab, lesson)["answer"])
        (generation,) = lab.rows(
            "SELECT * FROM generations WHERE id = ?", sources_of(lab, lesson)["generation"]
        )
        assert answer[0]["grade"] == "right"
        assert answer[0]["generation"] == generation["id"]
        assert (lesson["prompt"], lesson["completion"]) == (
            generation["messages"],
            generation["text"],
        )


def test_the_same_words_twice_are_learned_once(lab):
    _, lessons = select(lab, *ALONE, student=diverse(lab))
    kept = [row for row in own(lessons) if not row["dropped"]]
    said = {(row["question"], " ".join(row["completion"].split())) for row in kept}
    assert len(said) == len(kept)
    assert reasons(lessons)["repeats another lesson"] > 0


def test_where_a_teacher_says_the_same_the_teachers_lesson_is_kept(lab):
    teacher = always(lab.folder, "same", r"It is \1. The answer is \1.")
    outcome, lessons = select(lab, UNREVIEWED, *OWN, teachers=(teacher,), student=diverse(lab))
    kept = [row for row in lessons if row["kind"] == "rationale" and not row["dropped"]]
    by_teacher = [row for row in kept if row["teacher"] == 0]
    assert by_teacher
    assert outcome["own"] == len(kept) - len(by_teacher)
    taught = {row["question"] for row in by_teacher}
    for row in kept:
        if row["teacher"] is None and row["question"] in taught:
            assert row["completion"].startswith("So ")


def test_as_many_as_are_wanted_are_taken_and_all_of_them_differ(lab):
    two = ("select.per_question.own=2", *ALONE[1:])
    _, lessons = select(lab, *two, student=diverse(lab))
    kept = [row for row in own(lessons) if not row["dropped"]]
    taken = Counter(row["question"] for row in kept)
    assert max(taken.values()) == 2
    assert len({(row["question"], " ".join(row["completion"].split())) for row in kept}) == len(
        kept
    )


def test_what_was_cut_off_is_no_lesson_though_its_answer_is_right(lab):
    cut = always(lab.folder, "cut", r"The answer is \1. And so on and on and on and on.")
    outcome, lessons = select(lab, *ALONE, "exam.sampling.max_tokens=5", student=cut)
    assert (outcome["lessons"], lessons) == (0, [])


def test_a_question_is_learned_by_its_own_answer_where_its_teachers_failed(lab):
    wrong = always(lab.folder, "wrong", "The answer is 0.")
    strict = (UNREVIEWED, *OWN, "select.complete=true", "inquire.about=questions")
    outcome, lessons = select(lab, *strict, teachers=(wrong,), student=diverse(lab))
    assert outcome["own"] == outcome["lessons"] > 0
    assert {row["teacher"] for row in lessons if not row["dropped"]} == {None}


def test_an_own_answer_that_quotes_a_test_question_is_dropped(lab):
    leaks = always(lab.folder, "leaks", r"What is the code of item 4012? No: \1. The answer is \1.")
    outcome, lessons = select(lab, *ALONE, "select.decontaminate=7", student=leaks)
    assert outcome["lessons"] == 0
    assert outcome["contaminated"] == len(lessons) > 0


def test_a_record_with_own_lessons_is_sound_and_a_lesson_without_its_answer_is_not(lab):
    _, lessons = select(lab, *ALONE, student=diverse(lab))
    with Store.open(lab.db) as store:
        assert verify(store) == []
    with sqlite3.connect(lab.db) as db:
        db.execute(
            "DELETE FROM lesson_sources WHERE noun = 'answer' AND lesson = ?", [lessons[0]["id"]]
        )
    with Store.open(lab.db) as store:
        problems = verify(store)
    assert any("names no answer of the student" in problem for problem in problems)


def test_given_again_nothing_is_asked_and_more_questions_are_all_that_is(lab):
    options = {"settings": ALONE, "until": "select", "student": diverse(lab)}
    lab.run(train_limit=5, **options)
    again = lab.run(train_limit=5, **options)
    assert again["calls"] == 0
    more = lab.run(train_limit=8, **options)
    assert asked(more, "exam") == 3 * 6
    assert more["lessons"] > again["lessons"]


def test_a_report_counts_own_lessons(lab):
    found = lab.run(settings=ALONE, until="select", student=diverse(lab))
    assert found["own_lessons"] == found["lessons"] > 0


# -- equations ------------------------------------------------------------------------------------

SUMS = r"""
[[rule]]
when = '.*code of item (\d+)'
replies = [
  'First 4000 + 11 = 4011. So the answer is \1.', 'We add: 4,000+11=4011, the answer is \1.',
  '4011 = 4011. 4022 - 11 = 4011. The answer is \1.',
]
"""


@pytest.mark.parametrize(("distinct", "lessons"), [("text", 3), ("equations", 2)])
def test_two_rationales_with_the_same_equations_are_one_where_the_recipe_says_so(
    lab, distinct, lessons
):
    lab.write_questions([item(4011, "train"), item(1, "test")])
    student = script(lab.folder, "sums", SUMS)
    settings = (*ALONE, "exam.samples=12", f"select.distinct={distinct}")
    outcome, _ = select(lab, *settings, student=student)
    assert outcome["lessons"] == lessons


def test_rationales_without_equations_are_told_apart_by_their_text(lab):
    by_text, _ = select(lab, *ALONE, student=diverse(lab))
    by_equations, _ = select(lab, *ALONE, "select.distinct=equations", student=diverse(lab))
    assert by_equations["lessons"] == by_text["lessons"]


# -- a plan of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("until", [None, "exam", "inquire", "select"])
def test_a_run_never_asks_more_than_its_plan_says(lab, until):
    settings = (*OWN, "select.per_question.own=1", "select.prefer=likely", UNREVIEWED)
    options = {"settings": settings, "student": diverse(lab)}
    if until:
        lab.run(until=until, **options)
    lines = plan(lab.order(**options), "select").lines
    found = lab.run(until="select", **options)
    steps = {step["step"]: step for step in found["steps"]}
    for line in [line for line in lines if line.step == "select"]:
        reused, calls = steps["select"]["reused"], steps["select"]["calls"]
        assert line.recorded <= reused <= reused + calls <= line.recorded + line.calls + line.more
    assert [line for line in lines if line.step == "select"]
    if until == "select":
        assert sum(line.calls + line.more for line in lines) == 0
