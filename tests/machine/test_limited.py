"""A program of somebody else's runs in a process that is ended when it wants too much."""

from __future__ import annotations

import os

import pytest

from localfair.machine.limited import SECONDS, LimitedProcess, TemplateFault

SCRIPT = """
import os
from localfair.machine.limited_child import problem_of, serve

def answer(question):
    try:
        return {"answer": eval(question["code"])}
    except Exception as error:
        return problem_of(error, "refusal")

serve(answer)
"""


@pytest.fixture
def ask(tmp_path):
    """Ask a process that works out what it is sent."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = LimitedProcess(script)
    yield lambda code: process.ask({"code": code})["answer"]
    process.close()


def test_one_process_answers_line_by_line_and_is_another_than_this_one(ask):
    first = ask("os.getpid()")
    assert first not in (os.getpid(), 0)
    assert ask("os.getpid()") == first
    assert ask("'\\ud800é\\n'") == "\ud800é\n"


@pytest.mark.parametrize(
    ("code", "problem", "said"),
    [
        ("1 / 0", "refusal", "ZeroDivisionError: division by zero"),
        ("'x' * 10**10", "limit", "it asks for too much memory"),
        ("sum(1 for _ in iter(int, 1))", "limit", f"it does not end within {SECONDS} seconds"),
        ("os._exit(3)", "limit", r"its process ended \(3\)"),
    ],
)
def test_a_program_that_fails_is_a_line_and_the_next_one_runs(ask, code, problem, said):
    with pytest.raises(TemplateFault, match=said) as raised:
        ask(code)
    assert raised.value.problem == problem
    assert ask("1 + 1") == 2


def test_a_forked_process_asks_a_process_of_its_own(ask):
    first = ask("os.getpid()")
    child = os.fork()
    if not child:
        os._exit(ask("os.getpid()") == first)
    assert os.waitpid(child, 0)[1] == 0
    assert ask("os.getpid()") == first
