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
    lines = [line.strip() for line in file.text.rstrip().split("\n")]
    return [_item(file, lines, start) for start in range(0, len(lines), _LINES)]


def _item(file: File, lines: list[str], start: int) -> Item:
    block = lines[start : start + _LINES]
    row = Row(f"{file.path} line {start + 1}", block, HINT)
    if len(block) < _LINES:
        raise row.bad(f"the last item has {len(block)} lines instead of {_LINES}")
    blank, answer, passage, question, *options = block
    if blank:
        raise row.bad("an item must start with a blank line")
    if not re.fullmatch(r"[A-Da-d]", answer):
        raise Row(f"{file.path} line {start + 2}", None, HINT).bad(
            f"{answer[:20]!r} is not an answer A to D"
        )
    choices = tuple(
        _option(file, start + 5 + n, "ABCD"[n], option) for n, option in enumerate(options)
    )
    key = f"{file.path.stem}-{start // _LINES + 1}"
    return Item(
        key=key, text=f"{passage}\n{question}".strip(), gold=answer.upper(), choices=choices
    )


def _option(file: File, line: int, letter: str, option: str) -> str:
    match = re.fullmatch(rf"{letter}\s*[.)]\s*(\S.*)", option)
    if not match:
        raise Row(f"{file.path} line {line}", None, HINT).bad(f"is not option {letter!r}")
    return match[1]


TASK = Benchmark(
    name="logiqa",
    answer_kind="choice",
    licence=UNVERIFIED,
    public_source="https://github.com/lgw863/LogiQA-dataset",
    layout=Layout(
        files={"Train.txt": "train", "Eval.txt": "dev", "Test.txt": "test"}, items=items, hint=HINT
    ),
)
