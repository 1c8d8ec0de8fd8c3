"""A control token that a text spells stays text."""

from __future__ import annotations

from random import Random

import pytest

from localfair.models.control import as_text, first_spelled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no token", "no token"),
        ("a <|end|> b", "a < |end|> b"),
        ("<|end|><|end|>", "< |end|>< |end|>"),
        ("<|<|end|>end|>", "<|< |end|>end|>"),
    ],
)
def test_a_space_breaks_each_control_token_after_its_first_character(text, expected):
    assert as_text(["<|end|>"], text) == expected


@pytest.mark.parametrize(
    ("control", "text", "expected"),
    [
        (["<<"], "<<<", "< < <"),
        (["<<", "< <"], "<<", "<  <"),
        (["ab ", "bc"], "abc", "a b c"),
        ([" x1", "y "], " x1 y ", " x 1 y "),
        (["< ", "  ", " <", "<"], "<  < ", "<  < "),
        ([""], "text", "text"),
    ],
)
def test_it_ends_where_what_it_wrote_spells_a_control_token_again(control, text, expected):
    assert as_text(control, text) == expected


def test_it_ends_for_every_input_and_leaves_no_control_token_that_a_space_can_break():
    random = Random(0)
    for _ in range(3000):
        control = ["".join(random.choices("<a ", k=random.randint(1, 5))) for _ in range(4)]
        text = "".join(random.choices("<a ", k=random.randint(0, 12)))
        written = as_text(control, text)
        assert not [token for token in control if len(token.strip(" ")) > 1 and token in written]
        assert written.replace(" ", "") == text.replace(" ", "")


def test_the_first_token_that_is_spelled_is_named():
    assert first_spelled(["<b>", "<a>"], "<a> and <b>") == "<b>"
    assert first_spelled(["<b>"], "none") is None
