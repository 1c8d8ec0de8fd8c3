"""The process that renders prompts answers every question with turns or a problem."""

from __future__ import annotations

import pytest

from localfair.recipe.prompt_child import LONGEST, answer

QUESTION = {"name": "p", "key": "6b" * 32, "values": {"x": "a"}}


def test_it_answers_with_the_turns_that_have_text():
    template = "--- system ---\n--- user ---\n{{ x }}\n--- assistant ---\n yes "
    assert answer({**QUESTION, "template": template}) == {
        "turns": [("user", "a"), ("assistant", "yes")]
    }


@pytest.mark.parametrize(
    ("template", "problem", "said"),
    [
        ("{% if %}", "template", "Expected an expression, got 'end of statement block'"),
        ("{{ y }}", "refusal", "'y' is undefined"),
        ("{{ x * 5000000 }}", "limit", f"it writes more than {LONGEST} characters"),
    ],
)
def test_it_says_what_went_wrong(template, problem, said):
    assert answer({**QUESTION, "template": template}) == {"problem": problem, "said": said}


def test_the_key_of_the_fences_is_nothing_that_a_template_can_name():
    for name in ("key", "secret", "question", "fenced"):
        assert answer({**QUESTION, "template": f"{{{{ {name} }}}}"})["problem"] == "refusal"
