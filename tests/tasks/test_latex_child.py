"""Beside the main thread a process with limits compares formulas."""

from __future__ import annotations

import threading

import pytest

from localfair.record.nouns import Grade
from localfair.tasks.grading import grade
from localfair.tasks.latex_child import answered

pytest.importorskip("math_verify")


def test_two_formulas_are_compared_and_one_is_looked_at():
    assert answered({"formulas": [r"\frac{1}{2}", "0.5"]}) == {"is_so": True}
    assert answered({"formulas": ["0.5", "0.6"]}) == {"is_so": False}
    assert answered({"formulas": ["???"]}) == {"is_so": False}


def test_what_would_be_reckoned_for_ever_is_unreadable_beside_the_main_thread():
    grades = []

    def graded():
        grades.append(grade("latex", "2", r"The answer is $9^{9^{9^{9^{9}}}}$.").grade)

    thread = threading.Thread(target=graded)
    thread.start()
    thread.join(timeout=60)
    assert grades
    assert grades[0] is not Grade.RIGHT
