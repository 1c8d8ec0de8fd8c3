r"""The second reader, for answers that are LaTeX: `\frac{x^2}{2}`, `(1, 2]`, `\{1, 3\}`.

Reads two texts and writes nothing. It finds the final statement as every reader does, and asks
math-verify (Hugging Face, Apache-2.0, an optional extra) whether the two are equal. Right is only
what it holds for equal in both directions; what it parses to nothing, or not within `_SECONDS`, is
unreadable. Ours; `numbers` reads plain numbers better and needs no extra.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import threading
from pathlib import Path
from typing import Any

from localfair.errors import MissingDependency
from localfair.machine.limited import LimitedProcess, TemplateFault
from localfair.tasks.cleaning import clean
from localfair.tasks.statements import Statement, statements

_SECONDS = 5  # for one parse or comparison
# the system interrupts the main thread of a process and no other
_elsewhere = LimitedProcess(Path(__file__).with_name("latex_child.py"))
_LONGEST = 500  # characters; what is longer is no answer
_FORMULA = re.compile(r"\$([^$]+)\$")
# "not 5" and "2 or 3" state no one answer
_NO_ANSWER = re.compile(r"^\W*not\b|\bor\b|\beither\b", re.IGNORECASE)


def same_latex(gold: str, answer: str) -> bool | None:
    """Whether an answer states the gold; None when it cannot be told.

    Raises MissingDependency.
    """
    formula = _stated(answer)
    if formula is None:
        return None
    load()
    return compared(gold, formula) if _is_main() else _asked(gold, formula)


def compared(gold: str, formula: str | None = None) -> bool | None:
    """Whether two formulas are equal, None when it cannot be told; of one, whether it is a formula.

    For the main thread, where the time limit works.
    """
    expected = _parsed(gold)
    if formula is None:
        return bool(expected)
    given = _parsed(formula)
    if not expected or not given:
        return None
    there = _verified(expected, given)
    back = _verified(given, expected)
    if there is None or back is None:
        return None
    return there and back


def stated_latex(answer: str) -> str | None:
    """The formula of the final statement that counts most, or None where there is none."""
    return _stated(answer)


def is_latex(text: str) -> bool:
    """Whether math-verify can read a text as a formula. Raises MissingDependency."""
    load()
    return bool(compared(text) if _is_main() else _asked(text))


def _stated(answer: str) -> str | None:
    for statement in statements(clean(answer)):
        return _formula(statement)
    return None


def _formula(statement: Statement) -> str | None:
    """The one formula of a statement, without its dollar signs."""
    line = statement.line.strip()
    if len(line) > _LONGEST or _NO_ANSWER.search(line):
        return None
    formulas = _FORMULA.findall(line)
    if len(formulas) > 1:
        return None
    formula = formulas[0] if formulas else line.replace("$", "").rstrip(". ")
    return formula.strip() or None


def _parsed(formula: str) -> list[Any]:
    """What math-verify makes of a formula; nothing where it makes nothing of it."""
    parse = load().parse
    bare = formula.strip().removeprefix("$").removesuffix("$")
    if not bare or len(bare) > _LONGEST:
        return []
    try:
        parsed = parse(f"${bare}$", parsing_timeout=_SECONDS, fallback_mode="no_fallback")
    except Exception:  # sympy and its parser raise whatever they like at what models write
        return []
    return list(parsed)


def _verified(gold: list[object], answer: list[object]) -> bool | None:
    """Whether two parsed formulas are equal; None where it was not found out."""
    verify = load().verify
    try:
        return bool(verify(gold, answer, timeout_seconds=_SECONDS, raise_on_error=True))
    except Exception:  # as above; a time limit too
        return None


def _asked(*formulas: str) -> bool | None:
    """What the process with limits says of formulas; None where it ended over them."""
    try:
        is_so: bool | None = _elsewhere.ask({"formulas": formulas})["is_so"]
    except TemplateFault:
        return None
    return is_so


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def load() -> Any:
    """The library math_verify. Raises MissingDependency."""
    if importlib.util.find_spec("math_verify") is None:
        raise MissingDependency(
            "answers of the kind latex need the package 'math-verify'",
            "pip install 'localfair[latex]'",
        )
    import math_verify

    # it writes to stderr what it could not read
    logger = logging.getLogger("math_verify")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return math_verify
