"""Generated tasks: one seed is one data set, every rationale grades right, train never meets test."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from localfair.record.nouns import Grade
from localfair.tasks import all_tasks, get_task
from localfair.tasks import arithmetic_stories as stories

NAMES = [task.name for task in all_tasks() if task.generated]


@pytest.fixture(scope="module", params=NAMES)
def made(request):
    task = get_task(request.param)
    return task, task.generate(seed=0).questions


def test_sizes_and_every_text_is_different(made):
    _, questions = made
    assert Counter(q.split for q in questions) == {"train": 1800, "dev": 200, "test": 600}
    assert len({q.text for q in questions}) == 2600


def test_every_rationale_ends_in_the_answer_and_grades_right(made):
    task, questions = made
    for q in questions:
        assert q.rationale.endswith(f"The answer is {q.gold}.")
        assert task.grade(q, q.rationale).grade is Grade.RIGHT


def test_a_seed_is_one_data_set_and_another_seed_never_trains_on_its_test(made):
    task, questions = made
    assert task.generate(seed=0).questions == questions
    other = task.generate(seed=1).questions
    assert other != questions
    test = {q.text for q in questions if q.split == "test"}
    assert not test & {q.text for q in other if q.split != "test"}


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_arithmetic_has_as_many_true_steps_as_its_name_and_small_numbers(steps):
    for q in get_task(f"arithmetic-{steps}").generate().questions:
        sums = re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", q.rationale)
        assert len(sums) == steps
        for left, sign, right, result in sums:
            exact = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "/": int.__floordiv__}[
                sign
            ]
            assert exact(int(left), int(right)) == int(result)
            assert sign != "/" or int(left) % int(right) == 0
            assert 2 <= int(result) <= 99


def test_each_operation_is_told_in_many_ways():
    for told in (stories.HAVE, stories.GAIN, stories.LOSE, stories.GROUPS, stories.SHARE):
        assert len(set(told)) >= 12
    assert not any("{" in q.text for q in get_task("arithmetic").generate().questions)


def test_last_letters_are_the_last_letters():
    for q in get_task("last-letters").generate().questions:
        words = re.search('"(.*?)"', q.text)[1].split()
        assert q.gold == "".join(word[-1] for word in words)


def test_swapping_back_and_forth_leaves_each_person_what_the_swaps_say():
    for q in get_task("shuffled-objects").generate().questions[:200]:
        people, swaps = (
            re.match(r"(\w+), (\w+) and (\w+) ", q.text).groups(),
            q.text.split(" At the start ")[1],
        )
        holds = dict(zip(people, q.choices, strict=True))
        for one, other in re.findall(r"(?:First|Then|Finally), (\w+) and (\w+) ", swaps):
            holds[one], holds[other] = holds[other], holds[one]
        asked = re.search(r"At the end of [\w ]+, (\w+) ", q.text)[1]
        assert q.choices["ABC".index(q.gold)] == holds[asked]
