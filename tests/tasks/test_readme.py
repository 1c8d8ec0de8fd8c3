"""The table of readings in the tasks' README holds, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

import localfair.tasks
from localfair.tasks.choices import read_choice
from localfair.tasks.numbers import read_number, show_number
from localfair.tasks.reply import answer_of
from localfair.tasks.words import join_spelt, read_words
from localfair.tasks.yes_no import read_yes_no

README = Path(localfair.tasks.__file__).with_name("README.md")
CHOICES = ("bank", "library", "$10", "5%", "new york")


def rows():
    """The kind, the text and the reading of every row."""
    section = README.read_text(encoding="utf-8").partition("## Gold answers")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "kind":
            yield tuple(cells)


def read(kind, text):
    match kind:
        case "number":
            value = read_number(text)
            return None if value is None else show_number(value)
        case "choice":
            return read_choice(text, CHOICES)
        case "yes-no":
            return read_yes_no(text)
        case "text":
            words = read_words(text, one_word=True)
            return None if words is None else join_spelt(words)


def test_the_table_has_rows_of_every_kind():
    assert len(list(rows())) > 100
    assert {kind for kind, _, _ in rows()} == {"number", "choice", "yes-no", "text"}


@pytest.mark.parametrize(("kind", "written", "expected"), list(rows()))
def test_a_row_of_the_readme_is_read_as_it_says(kind, written, expected):
    reading = read(kind, answer_of(written))
    assert (reading or "-") == expected
