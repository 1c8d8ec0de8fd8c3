"""Which lessons are the same, by their text or by their equations."""

import pytest

from localfair.record.nouns import Message
from localfair.stages.drafts import drop_beyond, drop_repeats
from tests.stages.test_select import draft

SAME_SUMS = ("First 3 + 4 = 7.", "We add: 3+4=7, done.")


def dropped(drafts, distinct="text"):
    return [each.dropped is not None for each in drop_repeats(drafts, distinct)]


def test_a_students_own_lesson_repeats_a_teachers_and_not_the_other_way():
    drafts = [draft("So it is 7."), draft("So it  is 7.", teacher=None, own=True)]
    assert dropped(drafts) == [False, True]


@pytest.mark.parametrize(("distinct", "repeats"), [("text", False), ("equations", True)])
def test_the_same_equations_make_one_lesson_where_they_are_looked_at(distinct, repeats):
    assert dropped([draft(text) for text in SAME_SUMS], distinct) == [False, repeats]


def test_equations_tell_lessons_of_one_prompt_and_kind_apart_alone():
    first, second = SAME_SUMS
    other_prompt = draft(second, prompt=(Message("user", "another"),))
    assert dropped([draft(first), other_prompt], "equations") == [False, False]
    feedbacks = [draft(first, kind="feedback"), draft(second, kind="feedback")]
    assert dropped(feedbacks, "equations") == [False, False]


def test_rationales_without_equations_go_by_their_text():
    drafts = [draft("It is 7."), draft("So 7."), draft("It  is 7.")]
    assert dropped(drafts, "equations") == [False, False, True]


def test_the_lesson_says_who_wrote_it():
    own = draft("So it is 7.", teacher=None, own=True).lesson()
    assert own.own
    assert not draft("So it is 7.").lesson().own
    assert not draft("7", kind="answer", teacher=None).lesson().own


def test_beyond_a_number_questions_go_whole():
    drafts = [draft("So it is 7."), draft("It is 7.")]
    assert [each.kept for each in drop_beyond(0, 1, drafts)] == [False, False]
    assert [each.kept for each in drop_beyond(0, 2, drafts)] == [True, True]
