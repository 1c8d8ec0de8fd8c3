"""Whatever a model writes, also where it loops or is cut off: it is graded, and nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localfair.tasks import get_task
from localfair.tasks.grading import grade
from localfair.tasks.reply import said_once, split_reply
from localfair.tasks.scores import read_score

FEW = settings(max_examples=150, deadline=None, database=None)
# words and marks that replies are read by, and letters and signs of any script
PIECES = st.sampled_from(
    [
        *("The answer is ", "So ", "[[5]]", "<think>", "</think>", "Question: ", "\n", ". ", " "),
        *("12", "3 + 4 = 7", "1/2", "$", "\\boxed{", "}", "(B)", "yes", "not ", "five ", "%"),
        *("swaps", "Alice", " and ", "Score: ", "4/5", "**", "| ", "user\n", "abcdefgh"),
    ]
)
WORDS = st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join)
ONE_WORD = st.text("abc12", min_size=8, max_size=12)


@st.composite
def loops(draw):
    """A text that begins somehow, says one thing again and again, and ends anywhere in it."""
    said = draw(WORDS | ONE_WORD)
    return (
        draw(st.just("") | WORDS)
        + said * draw(st.integers(2, 9))
        + said[: draw(st.integers(0, 40))]
    )


REPLIES = WORDS | loops()


@FEW
@given(REPLIES)
def test_any_reply_comes_apart_and_is_read_for_a_score(text):
    split = split_reply(text)
    assert split.answer is None or len(split.answer) <= len(text)
    assert len(said_once(text)) <= len(text)
    assert read_score(text) in {None, 1, 2, 3, 4, 5}


@FEW
@given(REPLIES)
def test_any_reply_is_graded_for_every_kind_of_answer(text):
    choices = ("a red ball", "a blue one", "none")
    for kind, gold in (("number", "12"), ("choice", "B"), ("yes-no", "yes"), ("text", "abc")):
        assert grade(kind, gold, text, choices if kind == "choice" else ()).grade


@pytest.mark.parametrize("name", ["arithmetic-1", "last-letters", "shuffled-objects"])
def test_the_steps_of_any_reply_can_be_followed(name):
    task = get_task(name)
    question = task.generate(seed=0).questions[0]

    @FEW
    @given(REPLIES)
    def followed(text):
        assert task.sound(question, text) in {True, False, None}
        assert task.grade(question, text).grade

    followed()


@pytest.mark.parametrize("kind", ["text", "number"])
def test_a_loop_without_an_end_of_a_word_leaves_no_answer(kind):
    assert grade(kind, "12", "reasoning" * 20 + "reas").grade == "unreadable"
