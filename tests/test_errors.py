"""The tree of errors is the one that its docstring draws, and a wrong name gets the nearest."""

import re

import pytest

from localfair import errors
from localfair.errors import LocalfairError, UsageError, nearest

LINE = re.compile(r"^ {4}(?P<branches>[│├└─ ]*)(?P<name>[A-Z]\w+) *(?P<text>.*)$")


def drawn():
    """name -> (its parent's name, its exit code), as the module's docstring draws them."""
    tree = {}
    parents = []
    for line in errors.__doc__.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        depth = len(match["branches"]) // 4
        code = re.search(r"exit (\d+)", match["text"])
        parents = [*parents[:depth], match["name"]]
        parent = parents[depth - 1] if depth else "Exception"
        tree[match["name"]] = (parent, int(code[1]) if code else LocalfairError.exit_code)
    return tree


def defined():
    tree = {}
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, LocalfairError):
            tree[name] = (value.__base__.__name__, value.exit_code)
    return tree


def test_the_docstring_draws_every_error_below_its_parent_with_its_exit_code():
    assert len(defined()) >= 20
    assert drawn() == defined()


def test_an_error_has_a_message_and_a_hint():
    error = UsageError("there is no such seat", "name another")
    assert (error.message, error.hint, str(error)) == (
        "there is no such seat",
        "name another",
        "there is no such seat",
    )


@pytest.mark.parametrize(
    ("name", "known", "says"),
    [
        ("lama_cpp", ["llama_cpp", "vllm"], "did you mean 'llama_cpp'?"),
        ("zzz", ["llama_cpp", "vllm"], "known: llama_cpp, vllm"),
        ("zzz", [], "known: none"),
    ],
)
def test_a_wrong_name_gets_the_nearest_or_the_list(name, known, says):
    assert nearest(name, known) == says
