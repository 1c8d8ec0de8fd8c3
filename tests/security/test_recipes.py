"""A recipe that somebody brings ends in a line and a hint, soon, whatever it says."""

from __future__ import annotations

import os

import pytest

from localfair.recipe.load import copy_recipe
from tests.cli.conftest import seats

SMALL = (*seats("anna", "bert"), "--task", "arithmetic-1", "--train-limit", 4, "--test-limit", 2)
READS = (("recipes", "check", "evil"), ("plan", "evil", *SMALL), ("exam", "evil", *SMALL))
each_reader = pytest.mark.parametrize("command", READS, ids=lambda command: command[0])
PROMPTS = {
    "{{ 'x' * 10**9 }}": "it asks for too much memory",
    "{{ (question ~ 'x') * 10**9 }}": "it asks for too much memory",
    "{% for i in range(10**10) %}{{ question }}{% endfor %}": "Range too big",
    "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}": "recursion depth",
    "{{ 1 / 0 }}": "ZeroDivisionError: division by zero",
    "{{ question.__class__.__mro__ }}": "is unsafe",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}": "not end",
}
FILES = {
    "dots": lambda toml: toml.write_text("a." * 20_000 + "b = 1\n" + toml.read_text()),
    "brackets": lambda toml: toml.write_text(
        "a = " + "[" * 200 + "]" * 200 + "\n" + toml.read_text()
    ),
    "braces": lambda toml: toml.write_text("a = " + "{a=" * 90_000 + "\n" + toml.read_text()),
    "a huge file": lambda toml: toml.write_text(toml.read_text() + "#" * 2**21),
    "a pipe": lambda toml: (toml.unlink(), os.mkfifo(toml)),
    "a device": lambda toml: (toml.unlink(), toml.symlink_to("/dev/zero")),
    "a circle": lambda toml: (toml.unlink(), toml.symlink_to(toml.name)),
    "a step's id that is a table": lambda toml: toml.write_text(
        toml.read_text().replace('id       = "before"', "id = {a = 1}", 1)
    ),
    "escape codes": lambda toml: toml.write_text('"\\\\u001b[2J" = 1\n' + toml.read_text()),
}


@pytest.fixture
def evil(desk):
    """The folder of a recipe that is fair as yet."""
    return copy_recipe("fair", "evil", desk.folder)


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_a_prompt_without_end_is_a_line_and_a_hint(desk, evil, prompt):
    (evil / "prompts" / "ask-rationale.md").write_text(prompt)
    said = desk.says("exam", "evil", *SMALL)
    assert said.code == 2
    assert "prompts/ask-rationale.md: " in said.error
    assert PROMPTS[prompt] in said.error


def test_a_check_ends_at_the_first_prompt_beyond_limits(desk, evil):
    for name in ("a", "b", "c"):
        (evil / "prompts" / f"{name}.md").write_text("{{ " + "(" * 3000 + "1" + ")" * 3000)
    said = desk.says("recipes", "check", "evil")
    assert said.code == 2
    assert said.error.count("recursion depth") == 1


@each_reader
@pytest.mark.parametrize("file", FILES)
def test_a_recipe_file_out_of_bounds_is_a_line_and_a_hint(desk, evil, command, file):
    FILES[file](evil / "recipe.toml")
    said = desk.says(*command)
    assert said.code == 2
    assert len(said.error.splitlines()) <= 3
    assert said.err.replace("\n", "").isprintable()


def test_a_recipe_beside_others_that_cannot_be_read_is_listed_and_run(desk, evil):
    toml = evil / "recipe.toml"
    toml.unlink()
    os.mkfifo(toml)
    assert "fair" in desk.says("recipes", "list").out
    assert desk.says("recipes", "check", "fair").code == 0
