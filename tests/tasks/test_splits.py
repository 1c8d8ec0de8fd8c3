"""Splits come from a keyed hash of the question alone, and never share a question."""

from __future__ import annotations

from collections import Counter

from localfair.tasks.splits import Item, assemble, in_dev, in_test


def items(start, stop):
    return [Item(key=str(n), text=f"Question {n}?", gold=str(n)) for n in range(start, stop)]


def test_one_file_is_split_seventy_to_thirty_with_a_tenth_of_train_as_dev():
    counts = Counter(q.split for q in assemble("t", {"all": items(0, 10_000)}))
    assert 2850 < counts["test"] < 3150
    assert 600 < counts["dev"] < 800


def test_a_question_keeps_its_split_whatever_else_is_in_the_file():
    alone = {q.key: q.split for n in range(50) for q in assemble("t", {"all": items(n, n + 1)})}
    together = {q.key: q.split for q in assemble("t", {"all": items(0, 50)})}
    assert alone == together


def test_case_and_spaces_do_not_move_a_question():
    one, two = Item(key="1", text="How  many?", gold="1"), Item(key="2", text="how many?", gold="1")
    assert (in_test(one), in_dev(one)) == (in_test(two), in_dev(two))


def test_a_published_dev_is_kept_and_train_gives_none():
    questions = assemble(
        "t", {"train": items(0, 500), "dev": items(500, 510), "test": items(600, 610)}
    )
    assert Counter(q.split for q in questions) == {"train": 500, "dev": 10, "test": 10}


def test_what_is_in_test_leaves_dev_and_train_even_with_its_choices_in_another_order():
    def one(*choices):
        return [Item(key="k", text="Which?", gold="A", choices=choices)]

    questions = assemble("t", {"train": one("x", "y"), "dev": one("x", "y"), "test": one("Y", "x")})
    assert [q.split for q in questions] == ["test"]


def test_the_same_text_with_other_choices_is_another_question():
    one = Item(key="1", text="Which?", gold="A", choices=("x", "y"))
    two = Item(key="2", text="Which?", gold="A", choices=("x", "z"))
    assert len(assemble("t", {"dev": [one], "test": [two]})) == 2
