"""Splits come from a keyed hash of the question alone, and never share a question."""

from __future__ import annotations

from collections import Counter

from localfair.tasks.splits import Item, assemble, in_dev, in_test, share, shuffled


def items(start, stop):
    return [Item(key=str(n), text=f"Question {n}?", gold=str(n)) for n in range(start, stop)]


def test_one_file_is_split_seventy_to_thirty_with_a_tenth_of_train_as_dev():
    counts = Counter(q.split for q in assemble("t", {"all": items(0, 10_000)}))
    assert 2850 < counts["test"] < 3150
    assert 600 < counts["dev"] < 800


def test_a_question_keeps_its_split_whatever_else_is_in_the_file():
    together = assemble("t", {"all": items(0, 50)})
    assert len(together) == 50
    for question in together:
        number = int(question.key)
        (alone,) = assemble("t", {"all": items(number, number + 1)})
        assert alone == question


def test_case_and_spaces_do_not_move_a_question():
    spaced = Item(key="1", text="How  many?", gold="1")
    plain = Item(key="2", text="how many?", gold="1")
    assert in_test(spaced) == in_test(plain)
    assert in_dev(spaced) == in_dev(plain)
    assert share("How  many?", b"key") == share("how many?", b"key")


def test_a_published_dev_is_kept_and_train_gives_none():
    questions = assemble(
        "t", {"train": items(0, 500), "dev": items(500, 510), "test": items(600, 610)}
    )
    assert Counter(q.split for q in questions) == {"train": 500, "dev": 10, "test": 10}


def test_what_is_in_test_leaves_dev_and_train_even_with_its_choices_in_another_order():
    def which(*choices):
        return [Item(key="k", text="Which?", gold="A", choices=choices)]

    parts = {"train": which("x", "y"), "dev": which("x", "y"), "test": which("Y", "x")}
    assert [q.split for q in assemble("t", parts)] == ["test"]


def test_the_same_text_with_other_choices_is_another_question():
    first = Item(key="1", text="Which?", gold="A", choices=("x", "y"))
    second = Item(key="2", text="Which?", gold="A", choices=("x", "z"))
    assert len(assemble("t", {"dev": [first], "test": [second]})) == 2


def test_of_exact_repeats_in_one_split_the_first_is_kept():
    repeated = [Item(key=key, text="How many?", gold="1") for key in ("first", "second")]
    assert [q.key for q in assemble("t", {"test": repeated})] == ["first"]


def test_an_items_fields_become_its_questions():
    item = Item(key="k", text="Which?", gold="A", choices=("x", "y"), rationale="So A.")
    (question,) = assemble("t", {"test": [item]})
    assert (question.task, question.key, question.split) == ("t", "k", "test")
    assert (question.text, question.gold, question.choices) == ("Which?", "A", ("x", "y"))
    assert question.rationale == "So A."


def test_choices_are_shuffled_the_same_way_whatever_their_order():
    choices = ["red", "blue", "green", "black"]
    assert shuffled(choices, "Which?") == shuffled(reversed(choices), "Which?")
    assert sorted(shuffled(choices, "Which?")) == sorted(choices)
    orders = {tuple(shuffled(choices, f"Which {n}?")) for n in range(20)}
    assert len(orders) > 1
