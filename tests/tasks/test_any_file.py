"""Whatever a data file holds: it is refused in one line, or what was stored says the same."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localfair.errors import BadDataset
from localfair.record.nouns import Grade
from localfair.tasks.golds import question_kind
from localfair.tasks.numerals import exact
from localfair.tasks.table import Table
from localfair.tasks.texts import tokens

FEW = settings(max_examples=150, deadline=None, database=None)
KINDS = st.sampled_from([None, "number", "yes-no", "text"])
# text of every script, and text of what numbers, dates and LaTeX are made of
CELLS = st.text(max_size=30) | st.text(
    "0123456789.,/:-–− $%€eE'xyes no\\\\frac{}()+*=#\"\\n", max_size=16
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers()


def read(name, data, gold_kind=None):
    """The first question of a file, or None when the file is refused in one line."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            questions = Table(gold_kind=gold_kind).read(path).questions
        except BadDataset as refused:
            assert "\n" not in refused.message
            assert refused.message.startswith(str(path))
            return None
    return questions[0]


def as_csv(cell):
    text = io.StringIO()
    csv.writer(text).writerows([["question", "answer"], ["How many?", cell]])
    return text.getvalue().encode("utf-8", "surrogatepass")


def as_jsonl(value):
    return json.dumps({"question": "How many?", "answer": value}).encode()


def is_right(question, said):
    return Table().grade(question, f"The answer is {said}.").grade is Grade.RIGHT


@FEW
@given(cell=CELLS, gold_kind=KINDS, write=st.sampled_from([as_csv, as_jsonl]))
def test_any_cell_is_refused_or_can_be_met_by_saying_it(cell, gold_kind, write):
    question = read("t.csv" if write is as_csv else "t.jsonl", write(cell), gold_kind)
    if question is None:
        return
    assert is_right(question, question.gold)
    if question_kind(question) == "number" and "####" not in cell:
        assert exact(question.gold) is not None
    if question_kind(question) == "text" and question.rationale == "" and "answer" not in cell:
        assert is_right(question, cell.strip()) or "####" in cell or "boxed" in cell
        assert tokens(question.gold) == tokens(cell.rpartition("####")[2])


@FEW
@given(number=NUMBERS)
def test_any_json_number_keeps_its_value(number):
    question = read("t.jsonl", f'{{"question": "How many?", "answer": {number}}}'.encode())
    assert question is not None
    assert exact(question.gold) == Fraction(Decimal(number))
    assert not is_right(question, Decimal(number) * 2 + 1)


@FEW
@given(number=st.integers(1000, 10**15), separator=st.sampled_from([",", " ", "\u00a0", "'"]))
def test_thousands_may_be_parted(number, separator):
    question = read("t.csv", as_csv(f"{number:,}".replace(",", separator)))
    assert question is not None
    assert question.gold == str(number)


@FEW
@given(whole=st.integers(0, 10**6), places=st.text("0123456789", min_size=1, max_size=2))
def test_a_decimal_comma_is_a_decimal_point(whole, places):
    question = read("t.csv", as_csv(f"{whole},{places}"))
    assert question is not None
    assert exact(question.gold) == Fraction(f"{whole}.{places}")


@FEW
@given(data=st.binary(max_size=60), name=st.sampled_from(["t.csv", "t.jsonl", "t.json", "t.txt"]))
def test_any_bytes_are_read_or_refused(data, name):
    read(name, data)


@FEW
@given(text=st.text('question,answer";{}[]:\n\r12 ', max_size=60))
@pytest.mark.parametrize("name", ["t.csv", "t.json"])
def test_any_text_is_read_or_refused(name, text):
    read(name, b"question,answer\n" + text.encode())
