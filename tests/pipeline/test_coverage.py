"""coverage: teachers answer the same train questions; the record keeps it, and a rerun asks nobody."""

from __future__ import annotations

import pytest

from localfair.errors import LocalfairError, UsageError
from localfair.pipeline.coverage import ask, coverage
from localfair.pipeline.orders import RunOptions
from tests.lab import Lab, item, quiet, script

# right about the items that it knows, wrong about the others
KNOWS = r"""
[[rule]]
when = '.*code of item ({known})\?'
replies = ['The answer is \1.']
[[rule]]
when = ''
replies = ['{else_}']
"""


def knows(lab: Lab, name: str, *numbers: int, else_: str = "The answer is 0.") -> str:
    """A teacher that solves these items."""
    known = "|".join(str(number) for number in numbers)
    return script(lab.folder, name, KNOWS.format(known=known, else_=else_))


@pytest.fixture
def items(lab):
    """The laboratory with 40 train questions."""
    lab.write_questions([item(number, "train") for number in range(1, 41)] + [item(99, "dev")])
    return lab


def measure(lab, *teachers, questions=100):
    options = RunOptions(
        task="table",
        data=lab.data,
        teachers=teachers,
        workspace=lab.folder,
        db=lab.db,
        train_limit=questions,
    )
    return coverage(ask(options, max_tokens=32), say=lab.lines.append, progress=quiet)


def test_specialists_solve_together_what_neither_solves_alone(items):
    sums = knows(items, "sums", *range(1, 23))
    letters = knows(items, "letters", *range(20, 38))
    found = measure(items, sums, letters)
    assert [solver.right for solver in found.teachers] == [22, 18]
    assert (found.together.right, found.best, found.more) == (37, "sums", 15)
    assert found.can_win
    assert found.interval[0] > 0.2


def test_who_knows_less_of_the_same_adds_nothing(items):
    found = measure(items, knows(items, "small", 1, 2), knows(items, "large", 1, 2, 3, 4, 5))
    assert (found.best, found.more, found.can_win) == ("large", 0, False)
    assert found.interval[0] == 0


def test_tokens_per_right_answer_are_of_each_and_of_all_together(items):
    found = measure(items, knows(items, "a", 1, 2), knows(items, "b"))
    a, b = found.teachers
    assert a.tokens_each == a.tokens / 2
    assert b.tokens_each is None
    assert found.together.tokens == a.tokens + b.tokens
    [recorded] = items.column("SELECT SUM(prompt_tokens + completion_tokens) FROM generations")
    assert found.together.tokens == recorded


def test_every_answer_is_recorded_as_in_an_exam_and_a_rerun_asks_nobody(items):
    teachers = knows(items, "a", 1), knows(items, "b", 2)
    first = measure(items, *teachers)
    assert items.tuples("SELECT COUNT(*), COUNT(DISTINCT seat) FROM answers") == [(80, 2)]
    assert set(items.column("SELECT role FROM seats")) == {"teacher"}
    again = measure(items, *teachers)
    assert again == first
    assert items.column("SELECT SUM(calls) FROM run_steps") == [80]


def test_more_questions_ask_only_for_those(items):
    teachers = knows(items, "a", 1), knows(items, "b", 2)
    assert measure(items, *teachers, questions=10).questions == 10
    assert measure(items, *teachers, questions=25).questions == 25
    assert items.column("SELECT SUM(calls) FROM run_steps") == [50]


def test_what_nobody_can_be_read_of_is_unreadable_together(items):
    mute = knows(items, "mute", 1, else_="I do not know.")
    found = measure(items, mute, knows(items, "b", 2))
    assert [solver.unreadable for solver in found.teachers] == [39, 0]
    assert found.together.unreadable == 0


def test_right_by_luck_is_told_apart_where_the_task_can_follow(items):
    lucky = script(
        items.folder,
        "lucky",
        "[[rule]]\nwhen = '.*item (\\d+)'\nreplies = ['2 + 2 = 5. The answer is \\1.']\n",
    )
    found = measure(items, lucky, knows(items, "b"))
    assert found.teachers[0].right == 40
    assert (found.teachers[0].sound, found.teachers[0].followed) == (0, 40)


@pytest.mark.parametrize(
    ("teachers", "message"),
    [
        ((), "none is named"),
        (("a.script.toml",), "one is named"),
        (("a.script.toml", "a.script.toml"), "is named twice"),
    ],
)
def test_a_committee_of_fewer_than_two_is_refused_in_a_line(items, teachers, message):
    with pytest.raises(UsageError, match=message) as refused:
        measure(items, *teachers)
    assert refused.value.hint
    assert not items.db.exists()


def test_a_task_without_train_questions_is_refused_in_a_line(items):
    items.write_questions([item(1, "test")])
    with pytest.raises(LocalfairError, match="no train questions"):
        measure(items, knows(items, "a", 1), knows(items, "b", 2))
