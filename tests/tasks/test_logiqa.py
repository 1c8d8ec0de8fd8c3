"""LogiQA's layout in small."""

from __future__ import annotations

import pytest

from localfair.tasks import get_task

ITEM = (
    "\nb\nAll cats sleep.\nWhich is true?\nA.Cats run.\nB.Cats sleep.\nC.Dogs run.\nD.Dogs sleep.\n"
)


def test_eight_lines_are_an_item(write):
    path = write("Test.txt", ITEM + ITEM.replace("cats", "cows"))
    first, second = get_task("logiqa").read(path).questions
    assert (first.gold, second.gold) == ("B", "B")
    assert (first.key, second.key) == ("Test-1", "Test-2")
    assert first.text == "All cats sleep.\nWhich is true?"
    assert first.choices == ("Cats run.", "Cats sleep.", "Dogs run.", "Dogs sleep.")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("\nE\nx\ny\nA.a\nB.b\nC.c\nD.d\n", "line 2: 'E' is not an answer A to D"),
        ("\na\nx\ny\nA.a\nB.b\nD.d\nC.c\n", "line 7: is not option 'C'"),
        (ITEM + "\na\nx\n", "line 9: the last item has 3 lines"),
        (ITEM.strip("\n"), "line 1: "),
        ("x" + ITEM, "line 1: an item must start with a blank line"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(refusal, content, problem):
    assert problem in refusal("logiqa", "Test.txt", content)
