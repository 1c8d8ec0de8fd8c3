"""Our number reader and math-verify agree on how numbers are written, but for the forms named here."""

from __future__ import annotations

import pytest

from localfair.record.nouns import Grade
from localfair.tasks.grading import grade_number

math_verify = pytest.importorskip("math_verify")

BOTH_RIGHT = [
    ("81", "The answer is 81."),
    ("81", "The answer is **81**"),
    ("81", "#### 81"),
    ("81", "\\boxed{81}"),
    ("81", "\\boxed{81.0}"),
    ("81", "\\boxed{x = 81}"),
    ("81", "\\boxed{80 + 1 = 81}"),
    ("81", "The answer is $80 + 1 = 81$."),
    ("81", "\\boxed{9^2}"),
    ("81", "\\boxed{81 \\text{ pears}}"),
    ("81", "The answer is $81."),
    ("81", "\\boxed{81\\%}"),
    ("-8", "The answer is -8."),
    ("9", "\\boxed{\\sqrt{81}}"),
    ("6.283185", "\\boxed{2\\pi}"),
    ("0.2", "\\boxed{\\frac{1}{5}}"),
    ("0.2", "\\boxed{\\frac15}"),
    ("0.2", "The answer is 1/5."),
    ("-0.2", "\\boxed{-\\frac{1}{5}}"),
    ("3.2", "\\boxed{3\\frac{1}{5}}"),
    ("1.6", "\\boxed{\\dfrac{8}{5}}"),
    ("3.2", "The answer is 3.2."),
    ("3.2", "The answer is 3,2."),
    ("8100", "The answer is 8,100."),
    ("8100", "The answer is 8 100."),
    ("8100", "\\boxed{8{,}100}"),
    ("8100000", "\\boxed{8{,}100{,}000}"),
    ("10000", "\\boxed{10^4}"),
    ("0.0001", "\\boxed{10^{-4}}"),
    ("81000", "\\boxed{8.1 \\cdot 10^{4}}"),
]
BOTH_WRONG = [
    ("3", "\\boxed{\\sqrt{3}}"),
    ("81", "The answer is 80."),
    ("81", "\\boxed{810}"),
    ("81", "\\boxed{\\frac{81}{2}}"),
    ("20", "\\boxed{20, 25}"),
    ("2", "\\boxed{2^3}"),
]
# Where they differ: what ours says, and why.
DIFFERENT = [
    ("81", "The answer is eighty-one.", Grade.RIGHT, "it reads no words"),
    ("36", "The answer is three dozen.", Grade.RIGHT, "it reads no words"),
    ("-8", "The answer is minus 8.", Grade.RIGHT, "it reads no words"),
    ("3.2", "The answer is 3 1/5.", Grade.RIGHT, "it reads 1, no mixed number"),
    ("100000", "The answer is 1e5.", Grade.RIGHT, "it reads 1, no exponent"),
    ("12000", "The answer is $12K.", Grade.RIGHT, "it reads no letters that multiply"),
    ("150000", "The answer is 1,50,000.", Grade.RIGHT, "it reads 1.5, no Indian groups"),
    ("8100", "\\boxed{8\\,100}", Grade.RIGHT, "it multiplies or adds across a thin space"),
    ("10", "The answer is not 10.", Grade.WRONG, "it reads no negation"),
    ("81", "\\boxed{80 + 1}", Grade.UNREADABLE, "it works sums out; the author has not"),
    ("20", "The answer is 20 or 25.", Grade.UNREADABLE, "it takes the first"),
    ("0.25", "\\boxed{25\\%}", Grade.WRONG, "it takes a percentage for its hundredth as well"),
]


def theirs(gold, text):
    return math_verify.verify(math_verify.parse(gold), math_verify.parse(text))


@pytest.mark.parametrize(("gold", "text"), BOTH_RIGHT)
def test_both_read_the_form(gold, text):
    assert grade_number(gold, text).grade is Grade.RIGHT
    assert theirs(gold, text)


@pytest.mark.parametrize(("gold", "text"), BOTH_WRONG)
def test_both_refuse_a_wrong_answer(gold, text):
    assert grade_number(gold, text).grade is not Grade.RIGHT
    assert not theirs(gold, text)


@pytest.mark.parametrize(("gold", "text", "ours", "reason"), DIFFERENT)
def test_where_the_two_differ_the_reason_is_named(gold, text, ours, reason):
    assert reason
    assert grade_number(gold, text).grade is ours
    assert theirs(gold, text) != (ours is Grade.RIGHT)
