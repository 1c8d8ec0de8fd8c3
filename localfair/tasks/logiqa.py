"""LogiQA (Liu et al., arXiv 2007.08124): logical reasoning over a passage, four choices.

Reads `Train.txt` (7376), `Eval.txt` (651, dev) and `Test.txt` (651). Eight lines an item: blank,
the answer's letter, the passage, the question, four options "A." to "D.".
"""

from __future__ import annotations

import re

from localfair.tasks.benchmark import UNVERIFIED, Benchmark, Layout
from localfair.tasks.files import File, Row
from localfair.tasks.splits import Item

HINT = (
    "expected Train.txt, Eval.txt and Test.txt, eight lines an item: "
    'blank, answer letter, passage, question, options "A." to "D."'
)
_LINES = 8


def items(file: File) -> list[Item]:
    """The questions of one file; their keys are `Test-1`, `Test-2`, ..."""
    lines = [line.strip() for line in file.text.rstrip().split("\n")]
    return [_item(file, lines, start) for start in range(0, len(lines), _LINES)]


def _item(file: File, lines: list[str], start: int) -> Item:
    """The item whose first line has the index `start`."""
    block = [_line(file, lines, index) for index in range(start, min(start + _LINES, len(lines)))]
    if len(block) < _LINES:
        raise block[0].bad(f"the last item has {len(block)} lines instead of {_LINES}")
    blank, answer, passage, question, *options = block
    if blank.value:
        raise blank.bad("an item must start with a blank line")
    if not re.fullmatch(r"[A-Da-d]", answer.value):
        raise answer.bad(f"{answer.value[:20]!r} is not an answer A to D")
    choices = [_option(option, letter) for option, letter in zip(options, "ABCD", strict=True)]
    return Item(
        key=f"{file.path.stem}-{start // _LINES + 1}",
        text=f"{passage.value}\n{question.value}".strip(),
        gold=answer.value.upper(),
        choices=tuple(choices),
    )


def _line(file: File, lines: list[str], index: int) -> Row:
    return Row(f"{file.path} line {index + 1}", lines[index], HINT)


def _option(line: Row, letter: str) -> str:
    """The text of the option that must have that letter."""
    match = re.fullmatch(rf"{letter}\s*[.)]\s*(\S.*)", line.value)
    if not match:
        raise line.bad(f"is not option {letter!r}")
    return match[1]


LAYOUT = Layout(
    files={"Train.txt": "train", "Eval.txt": "dev", "Test.txt": "test"},
    items=items,
    hint=HINT,
)

TASKS = (
    Benchmark(
        name="logiqa",
        answer_kind="choice",
        licence=UNVERIFIED,
        public_source="https://github.com/lgw863/LogiQA-dataset",
        layout=LAYOUT,
    ),
)
