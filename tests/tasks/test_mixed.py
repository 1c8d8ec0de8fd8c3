"""The mixed task: topics in turn, each asked, graded and followed as its own task does it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localfair.errors import TaskError
from localfair.record.nouns import Grade
from localfair.tasks import get_task
from localfair.tasks.base import split_questions

TOPICS = ["arithmetic-2", "last-letters", "shuffled-objects"]


@pytest.fixture(scope="module")
def mixed():
    return get_task("mixed")


@pytest.fixture(scope="module")
def splits(mixed):
    """Its questions by split."""
    return split_questions(mixed.generate().questions)


def first_of(splits, topic):
    """The first train question of a topic."""
    return next(q for q in splits["train"] if q.key.startswith(f"{topic}/"))


def test_every_split_asks_the_topics_in_turn(splits):
    for questions in splits.values():
        topics = [question.key.partition("/")[0] for question in questions]
        assert topics == [TOPICS[place % 3] for place in range(len(topics))]


def test_a_question_is_told_how_its_own_topic_is_answered(mixed, splits):
    for topic in TOPICS:
        asked = mixed.answer_format(first_of(splits, topic))
        assert asked == get_task(topic).answer_format()
    assert mixed.answer_format() not in {get_task(topic).answer_format() for topic in TOPICS}


def test_the_choices_of_a_topic_that_has_them_are_shown(mixed, splits):
    assert "\nB. " in mixed.prompt(first_of(splits, "shuffled-objects"))
    assert "\nB. " not in mixed.prompt(first_of(splits, "arithmetic-2"))


def test_a_reply_is_graded_as_the_topic_grades_it(mixed, splits):
    letters = replace(first_of(splits, "last-letters"), gold="nas")
    assert mixed.grade(letters, "The answer is n-a-s.").grade is Grade.RIGHT
    total = replace(first_of(splits, "arithmetic-2"), gold="1200")
    assert mixed.grade(total, "So it is 1,200 dollars.").grade is Grade.RIGHT
    assert mixed.grade(total, "The answer is nas.").grade is Grade.UNREADABLE


def test_right_by_luck_is_told_where_the_topic_can_tell_it(mixed, splits):
    shuffled = first_of(splits, "shuffled-objects")
    assert mixed.sound(shuffled, shuffled.rationale) is True
    assert mixed.sound(shuffled, f"The answer is {shuffled.gold}.") is False
    total = first_of(splits, "arithmetic-2")
    assert mixed.sound(total, f"2 + 2 = 5. The answer is {total.gold}.") is False
    letters = first_of(splits, "last-letters")
    assert mixed.sound(letters, letters.rationale) is None


def test_who_learned_a_topic_on_its_own_task_has_hardly_met_a_question_of_it(mixed, splits):
    asked = {question.text for questions in splits.values() for question in questions}
    for topic in TOPICS:
        shared = [q for q in get_task(topic).generate().questions if q.text in asked]
        assert len(shared) <= 20


def test_it_reads_no_files_and_knows_no_question_of_another_task(mixed, splits, tmp_path):
    with pytest.raises(TaskError, match="reads no files"):
        mixed.read(tmp_path)
    stranger = replace(first_of(splits, "arithmetic-2"), key="17")
    with pytest.raises(TaskError, match="of no topic that it mixes"):
        mixed.grade(stranger, "The answer is 4.")
