"""Beside a lesson stand another right rationale and one of the student's own mistakes."""

from dataclasses import replace

import pytest

from localfair.record.tables import LESSONS
from localfair.stages.contrasts import pairs
from tests.lab import always, script, scripted_student

PLAIN = r"Item \1 has code \1. The answer is \1."
SHORT = r"Its number. The answer is \1."
LONG = r"So it is. The answer is \1. And nothing more is to be said of it."
LEAKY = r"What is the code of item 4012? Not asked. The answer is \1."


def contrasts(lab, *replies, settings=(), student=None):
    """The lessons of `tailored`, one teacher a reply, by their ids, and their pairs."""
    teachers = [always(lab.folder, f"t{at}", reply) for at, reply in enumerate(replies)]
    student = student or scripted_student(lab.folder)
    whole = ("exam.samples=1", "rounds=1", "train.enabled=false", *settings)
    options = {"student": student, "teachers": tuple(teachers)}
    with lab.at("after", "tailored", whole, **options) as (work, _):
        selects = [done for done in work.rows.done if done.step.stage == "select"]
        lessons = [lesson for lesson in work.rows.of(LESSONS, selects) if not lesson.dropped]
        return {lesson.id: lesson for lesson in lessons}, pairs(work, lessons)


def text_of(lab, table, row_id):
    sql = f"SELECT g.text FROM {table} t JOIN generations g ON g.id = t.generation WHERE t.id = ?"
    (text,) = lab.column(sql, row_id)
    return text


def test_a_lesson_is_paired_with_another_right_rationale_and_with_a_mistake(lab):
    lessons, paired = contrasts(lab, PLAIN, SHORT)
    assert paired.keys() == lessons.keys()
    assert len(lessons) == 14
    for lesson, pair in paired.items():
        texts = {lessons[lesson].completion, pair.positive}
        assert len(texts) == 2
        assert pair.positive == text_of(lab, "explanations", pair.explanation)
        assert pair.negative == text_of(lab, "answers", pair.answer)
        assert pair.negative in {"The answer is 1.", "I do not know."}


def test_both_halves_are_of_the_lessons_own_question(lab):
    lessons, paired = contrasts(lab, PLAIN, SHORT)
    for lesson, pair in paired.items():
        question = lessons[lesson].question
        for table, row_id in (("explanations", pair.explanation), ("answers", pair.answer)):
            asked = lab.column(f"SELECT question FROM {table} WHERE id = ?", row_id)
            assert asked == [question]


def test_the_same_words_again_are_no_other_rationale(lab):
    lessons, paired = contrasts(lab, PLAIN, PLAIN.replace(". ", ".  "))
    assert lessons
    assert paired == {}


def test_a_rationale_that_a_review_rejected_is_no_model(lab):
    cut = ("inquire.sampling.max_tokens=10",)
    _, paired = contrasts(lab, PLAIN, LONG, settings=cut)
    assert lab.column("SELECT COUNT(*) FROM explanations WHERE grade = 'right'") == [14]
    rejected = lab.column("SELECT DISTINCT reason FROM verdicts WHERE accepted = 0")
    assert rejected == ["cut off before its end"]
    assert paired == {}


def test_a_rationale_that_a_select_dropped_is_no_model(lab):
    lessons, paired = contrasts(lab, PLAIN, LEAKY, settings=("select.decontaminate=7",))
    assert {lesson.completion for lesson in lessons.values()}.isdisjoint({LEAKY})
    assert len(lessons) == 7
    assert paired == {}


def test_what_was_not_looked_at_may_be_a_model(lab):
    lessons, paired = contrasts(lab, PLAIN, LEAKY, settings=("select.decontaminate=0",))
    assert len(lessons) == len(paired) == 14


def test_a_wrong_rationale_is_no_model(lab):
    lessons, paired = contrasts(lab, PLAIN, "Its number. The answer is 0.")
    assert len(lessons) == 7
    assert paired == {}


def test_a_mistake_that_says_nothing_is_none_to_be_told_apart(lab):
    mute = script(lab.folder, "mute", '[[rule]]\nwhen = ""\nreplies = [""]\n')
    lessons, paired = contrasts(lab, PLAIN, SHORT, student=mute)
    assert len(lessons) == 16
    assert paired == {}


@pytest.mark.parametrize("kind", ["feedback", "answer"])
def test_only_rationales_have_contrasts(lab, kind):
    student = scripted_student(lab.folder)
    with lab.at("after", settings=("train.enabled=false",), student=student) as (work, _):
        selects = [done for done in work.rows.done if done.step.stage == "select"]
        lessons = work.rows.of(LESSONS, selects)
        renamed = [replace(lesson, kind=kind) for lesson in lessons]
        assert pairs(work, lessons)
        assert pairs(work, renamed) == {}


def test_both_halves_are_answers_without_their_thinking(lab):
    thinking = "<think>Is it 2?</think>"
    student = always(lab.folder, "student", f"{thinking}The answer is 1.")
    _, paired = contrasts(lab, thinking + PLAIN, thinking + SHORT, student=student)
    assert paired
    for pair in paired.values():
        assert pair.negative == "The answer is 1."
        assert "think" not in pair.positive
