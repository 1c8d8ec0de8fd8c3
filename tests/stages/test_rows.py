"""Draws depend on no order, and demonstrations never give the question away."""

import re
from dataclasses import replace

import pytest

from localfair.errors import TaskError
from localfair.record.tables import EXPLANATIONS
from localfair.stages.rows import (
    Demonstrations,
    by_question,
    draw,
    draw_written,
    why_unfit,
    with_texts,
)
from localfair.stages.step import Scope
from tests.lab import always, scripted_student
from tests.stages.explained import written

IDS = [str(number) for number in range(20)]


def test_a_draw_depends_on_seed_purpose_and_ids_alone():
    assert draw(0, "a", IDS, 5) == draw(0, "a", IDS[::-1], 5)
    assert draw(0, "a", IDS, 5) != draw(1, "a", IDS, 5)
    assert draw(0, "a", IDS, 20) != draw(0, "b", IDS, 20)


def test_a_larger_draw_begins_with_the_smaller_one():
    assert draw(0, "a", IDS)[:5] == draw(0, "a", IDS, 5)
    assert sorted(draw(0, "a", IDS)) == sorted(IDS)


def test_one_more_id_moves_none_of_the_others():
    more = draw(0, "a", [*IDS, "new"])
    assert [row_id for row_id in more if row_id != "new"] == draw(0, "a", IDS)


def test_explanations_are_drawn_by_their_ids():
    explanations = [written(name) for name in IDS]
    drawn = draw_written(0, "a", explanations, 5)
    ids = [each.id for each in explanations]
    assert [each.id for each in drawn] == draw(0, "a", ids, 5)


def test_explanations_are_grouped_by_question_in_their_order():
    first = written("1", question="a")
    other = written("2", question="b")
    second = written("0", question="a")
    assert by_question([first, other, second]) == {"a": [first, second], "b": [other]}


def test_an_explanation_is_read_with_its_author_and_with_the_mistake_it_is_about(lab):
    with lab.at("review", student=scripted_student(lab.folder)) as (work, _):
        inquiries = [done for done in work.rows.done if done.step.stage == "inquire"]
        explanations = work.rows.of(EXPLANATIONS, inquiries)
        read = with_texts(work.store, explanations)
    assert [each.explanation for each in read] == explanations
    assert all(each.author.id == each.explanation.seat for each in read)
    assert {each.author.index for each in read} == {0, 1, 2}
    assert {each.mistake for each in read} == {"The answer is 1.", "I do not know."}
    assert all(each.text and each.finish == "stop" for each in read)


def read_explanation(lab, reply):
    """The rationale of a teacher with one reply, as stages read it."""
    author = always(lab.folder, "author", reply)
    student = always(lab.folder, "student", r"<think>1 or 2?</think>It is 1.<|im_end|>Next: 2")
    alone = ("review.mode=none", "inquire.write.feedback.samples=1")
    options = {"settings": alone, "student": student, "teachers": (author,)}
    with lab.at("select", **options) as (work, _):
        reviews = [done for done in work.rows.done if done.step.stage == "inquire"]
        return with_texts(work.store, work.rows.of(EXPLANATIONS, reviews))


def test_thinking_and_run_on_are_no_part_of_what_was_written(lab):
    reply = r"<think>7 or \1?</think>It is \1.<|im_end|><|im_start|>user: And 5?"
    for each in read_explanation(lab, reply):
        assert re.fullmatch(r"It is \d+\.", each.text)
        assert re.fullmatch(r"7 or \d+\?", each.thinking)
        assert each.unanswered is None
        assert each.mistake == "It is 1."


def test_a_loop_that_was_cut_is_read_as_what_it_says_once(lab):
    reply = r"So it is. The answer is \1. The answer is \1. The answer is \1. The ans"
    for each in read_explanation(lab, reply):
        assert re.fullmatch(r"So it is\. The answer is \d+\.", each.text)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (r"<think>It is \1.", "never left its thinking"),
        (r"It is \1. <think>Or not", "never left its thinking"),
        ("We add 3 to it. We add 3 to it. We add 3 to it. We add", "a loop without an answer"),
    ],
)
def test_what_never_came_to_an_answer_says_why(lab, reply, reason):
    for each in read_explanation(lab, reply):
        assert (each.text, each.unanswered) == ("", reason)
        assert why_unfit(each, each.text) == reason


def test_a_lesson_with_thinking_that_repeats_a_mark_is_unfit():
    thinking = replace(written("e"), thinking="bcdf is a mark", marks=frozenset({"bcdf"}))
    assert why_unfit(thinking, thinking.text) is None
    assert why_unfit(thinking, thinking.with_thinking()).startswith("repeats a mark")


def test_thinking_stands_before_the_answer_in_one_form():
    plain = written("e")
    assert plain.with_thinking() == plain.text
    thinking = replace(plain, thinking="6 and 1.")
    assert thinking.with_thinking() == f"<think>\n6 and 1.\n</think>\n\n{plain.text}"


def test_an_explanation_about_a_question_is_about_no_mistake(lab):
    with lab.at("check", "single-teacher", student=scripted_student(lab.folder)) as (work, _):
        (inquiry,) = [done for done in work.rows.done if done.step.stage == "inquire"]
        read = with_texts(work.store, work.rows.of(EXPLANATIONS, [inquiry]))
    assert len(read) == 8
    assert {each.mistake for each in read} == {""}
    assert {each.explanation.answer for each in read} == {None}


# -- demonstrations -------------------------------------------------------------------------------


@pytest.fixture
def work(lab):
    with lab.at("before", student=scripted_student(lab.folder)) as (handed, _):
        yield handed


def test_demonstrations_never_show_the_question_and_are_the_same_otherwise(work):
    demonstrations = Demonstrations(work)
    (asked, *_) = work.questions("test")
    usual = demonstrations.before(asked, 3)
    for question in work.questions("train"):
        shown = demonstrations.before(question, 3)
        assert len(shown) == 3
        assert question not in shown
        if question not in usual:
            assert shown == usual


def test_another_seed_shows_others(work):
    (asked, *_) = work.questions("test")
    other = replace(work, scope=Scope(seed=1))
    assert Demonstrations(work).before(asked, 4) != Demonstrations(other).before(asked, 4)


def test_a_limit_of_train_questions_changes_no_demonstration(work):
    (asked, *_) = work.questions("test")
    limited = replace(work, scope=Scope(seed=0, train_limit=1))
    assert Demonstrations(work).before(asked, 4) == Demonstrations(limited).before(asked, 4)


def test_more_demonstrations_than_gold_rationales_are_refused(work):
    demonstrations = Demonstrations(work)
    (question, *_) = work.questions("train")
    assert len(demonstrations.before(question, 7)) == 7
    with pytest.raises(TaskError, match="too few gold rationales for 8 demonstrations"):
        demonstrations.before(question, 8)


def test_no_demonstrations_need_no_gold_rationale(work):
    (question, *_) = work.questions("train")
    assert Demonstrations(work).values(question, 0) == []


def test_a_demonstration_is_shown_with_its_solution(work):
    (question, *_) = work.questions("train")
    (shown,) = Demonstrations(work).values(question, 1)
    assert shown["rationale"].startswith("Read it.")
    assert "code of item" in shown["question"]
