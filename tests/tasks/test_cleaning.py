"""One spelling of what is written in many."""

from __future__ import annotations

import pytest

from localfair.tasks.cleaning import clean


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("\N{FIGURE DASH}4", "-4"),
        ("2 \N{MULTIPLICATION X} 3", "2 × 3"),
        ("<strong>pear</strong>", "pear"),
        (r"\boldsymbol{4}", "4"),
        (r"\textcolor{red}{4}", "{4}"),
        (r"4^\circ", "4°"),
        ("<|begin_of_box|>4<|end_of_box|>", r"\boxed{4}"),
        ("~~3~~ 4", " 4"),
        ("4_000", "4'000"),
        ("<b>", "<b>"),
    ],
)
def test_a_spelling_becomes_the_usual_one(written, cleaned):
    assert clean(written) == cleaned
