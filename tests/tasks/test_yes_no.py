"""Yes and no are read with their negations; a word that decides nothing is passed over."""

from __future__ import annotations

import pytest

from localfair.tasks.yes_no import plain_yes_no, read_yes_no


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Yes", "yes"),
        ("no.", "no"),
        ("True", "yes"),
        ("False", "no"),
        ("The answer is yes.", "yes"),
        ("The answer is **no**.", "no"),
        ("The answer is not yes.", "no"),
        ("The answer isn't yes.", "no"),
        ("The answer cannot be true.", "no"),
        ("\\boxed{\\text{No}}", "no"),
        ("#### True", "yes"),
        ("It is true that he was born late. So the answer is no.", "no"),
        ("Yes, he could have. It is true.", "yes"),
        ("No, that is not true.", "no"),
        ("No it does not.", "no"),
        ("Some say it is true that cats fly. That is not true.", "no"),
        ("So this is not correct.", "no"),
        ("This isn't correct.", "no"),
        ("This is not false.", "yes"),
        ("I do not think that this is true.", "no"),
        ("Therefore, yes.", "yes"),
        ("The statement is untrue.", "no"),
        ("Thus the claim is incorrect.", "no"),
        ("He won, so it is true", "yes"),
        ("No one knows who did this.", None),
        ("True love is rare, and cats cannot fly.", None),
        ("The answer is yes and no.", None),
        ("Yes or no?", None),
        ("Perhaps.", None),
        ("", None),
    ],
)
def test_yes_and_no_are_read_with_their_negations(text, read):
    assert read_yes_no(text) == read


def test_the_word_true_in_passing_decides_nothing():
    assert read_yes_no("The word true proves nothing. The answer is false.") == "no"


def test_a_negation_in_another_clause_turns_nothing():
    assert read_yes_no("He did not win, but it is true.") == "yes"
    assert read_yes_no("It is not never true.") == "yes"


def test_words_that_disagree_are_no_answer():
    assert read_yes_no("So it is true that this is false.") is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("I doubt that cats fly is true.", "no"),
        ("It is unlikely that this is correct.", "no"),
        ("Without doubt, this is correct.", "yes"),
        ("I do not doubt that it is true.", "yes"),
        ("The claim is far from true.", "no"),
    ],
)
def test_doubt_turns_an_answer_round(text, read):
    assert read_yes_no(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "I cannot tell if it is true.",
        "Whether it is false is unclear.",
        "Perhaps it is true.",
        "It could be true.",
    ],
)
def test_a_sentence_that_is_unsure_says_nothing(text):
    assert read_yes_no(text) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("The answer: yes (no one denies it, and it is not true that he fled).", "yes"),
        ("The answer is no since it is true only for cats.", "no"),
        ("It holds only where it is true, so no.", "no"),
    ],
)
def test_the_answer_counts_and_not_the_words_of_its_reasons(text, read):
    assert read_yes_no(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Antwort: Nein.", "no"),
        ("La réponse est oui, car il a raison.", "yes"),
        ("La respuesta es sí.", "yes"),
        ("Ответ: да", "yes"),
        ("答案是否。", "no"),
        ("答えは「はい」です。", "yes"),
        ("정답은 아니요입니다.", "no"),
    ],
)
def test_yes_and_no_of_other_languages_are_read(text, read):
    assert read_yes_no(text) == read


@pytest.mark.parametrize(
    ("answer", "plain"),
    [
        ("Yes", "yes"),
        (" True. ", "yes"),
        ("no.", "no"),
        ("False", "no"),
        ("correct", None),
        ("yes it is", None),
        ("", None),
    ],
)
def test_a_bare_answer_is_one_of_four_words(answer, plain):
    assert plain_yes_no(answer) == plain
