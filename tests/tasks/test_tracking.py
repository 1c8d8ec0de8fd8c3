"""Following swapped objects: what a sound account says, and what luck says."""

from __future__ import annotations

import pytest

from localfair.record.nouns import Question
from localfair.tasks import get_task
from localfair.tasks.tracking import story
from tests.tasks.hostile import seconds

CHOICES = ("the red hat", "the blue hat", "the green hat")
TEXT = (
    "Ada, Ben and Cem are trying on hats. At the start Ada wears the red hat, Ben wears the blue "
    "hat and Cem wears the green hat. First, Ada and Ben exchange hats. Then, Ben and Cem exchange "
    "hats. At the end of the afternoon, Ben wears"
)


@pytest.fixture
def question() -> Question:
    return Question(
        task="shuffled-objects", key="1", split="train", text=TEXT, gold="C", choices=CHOICES
    )


def test_a_story_has_a_state_before_and_after_each_swap() -> None:
    told = story(TEXT, CHOICES)
    assert told is not None
    assert told.swaps == (("Ada", "Ben"), ("Ben", "Cem"))
    assert told.states[1] == {"Ada": "blue hat", "Ben": "red hat", "Cem": "green hat"}
    assert told.states[-1] == {"Ada": "blue hat", "Ben": "green hat", "Cem": "red hat"}


@pytest.mark.parametrize(
    "text",
    [
        "After the first exchange Ada wears the blue hat and Ben wears the red hat. After the "
        "second, Ben has the green hat. The answer is C.",
        "1. Ada: blue hat, Ben: red hat, Cem: green hat\n2. Ada: blue hat, Ben: green hat, Cem: "
        "red hat\nThe answer is C.",
        "At the start Ada has the red hat, Ben the blue hat, Cem the green hat. Then Ada gets the "
        "blue hat. Then Cem gets the red hat, so Ben ends with the green hat.",
    ],
)
def test_an_account_of_every_swap_is_sound(question: Question, text: str) -> None:
    assert get_task("shuffled-objects").sound(question, text) is True


@pytest.mark.parametrize(
    "text",
    [
        "The answer is C.",
        "Ben wears the green hat. The answer is C.",  # right, and no step to see
        "After the first exchange Ada wears the green hat. Ben ends with the green hat.",
        "Ben has the green hat. Before that, Ada had the blue hat and Ben the red hat.",
        "Ada has the blue hat. Ada has the red hat. Ben has the green hat.",
        "",
    ],
)
def test_a_right_answer_by_luck_is_not_sound(question: Question, text: str) -> None:
    assert get_task("shuffled-objects").sound(question, text) is False


def test_a_story_without_swaps_cannot_be_told(question: Question) -> None:
    unlike = Question(
        task="shuffled-objects", key="2", split="train", text="Who?", gold="A", choices=CHOICES
    )
    assert get_task("shuffled-objects").sound(unlike, "Ada wears the red hat.") is None


def test_every_generated_rationale_is_sound() -> None:
    task = get_task("shuffled-objects")
    for question in task.generate(seed=3).questions[:200]:
        assert task.sound(question, question.rationale) is True


def test_sums_decide_in_a_task_of_numbers() -> None:
    task = get_task("arithmetic-1")
    question = Question(task="arithmetic-1", key="1", split="train", text="2 + 2?", gold="4")
    assert task.sound(question, "2 + 2 = 4. The answer is 4.") is True
    assert task.sound(question, "2 + 1 = 4. The answer is 4.") is False
    assert task.sound(question, "The answer is 4.") is None


def test_a_long_text_takes_its_share_of_time(question: Question) -> None:
    task = get_task("shuffled-objects")

    def sound(text: str) -> object:
        return task.sound(question, text)

    piece = "Ada wears the blue hat, Ben the red hat "
    assert seconds(sound, piece * 4000) < 40 * seconds(sound, piece * 400)
