"""Generated tasks: one seed is one data set, every rationale grades right, train never meets test."""

from __future__ import annotations

from collections import Counter

import pytest

from localfair.record.nouns import Grade
from localfair.tasks import all_tasks, get_task
from localfair.tasks.generated import SIZES, make_items
from localfair.tasks.splits import Item

NAMES = [task.name for task in all_tasks() if task.generated]


@pytest.fixture(scope="module", params=NAMES)
def generated(request):
    """A generated task and its questions."""
    task = get_task(request.param)
    return task, task.generate(seed=0).questions


def test_sizes_and_every_text_is_different(generated):
    _, questions = generated
    assert Counter(q.split for q in questions) == {"train": 1800, "dev": 200, "test": 600}
    assert len({q.text for q in questions}) == 2600


def test_every_rationale_ends_in_the_answer_and_grades_right(generated):
    task, questions = generated
    for question in questions:
        assert question.rationale.endswith(f"The answer is {question.gold}.")
        assert task.grade(question, question.rationale).grade is Grade.RIGHT


def test_a_seed_is_one_data_set_and_another_seed_never_trains_on_its_test(generated):
    task, questions = generated
    assert task.generate(seed=0).questions == questions
    others = task.generate(seed=1).questions
    assert others != questions
    test = {q.text for q in questions if q.split == "test"}
    others_train = {q.text for q in others if q.split != "test"}
    assert not test & others_train


def test_questions_are_drafted_until_every_split_is_full_and_repeats_are_left_out():
    def draft(random, number):
        return Item(key=str(number), text=f"Question {number // 2}?", gold="1")

    parts = make_items("t", draft, seed=0)
    assert {part: len(items) for part, items in parts.items()} == SIZES
    texts = [item.text for items in parts.values() for item in items]
    assert len(set(texts)) == len(texts)
