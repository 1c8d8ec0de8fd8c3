"""LogiQA (Liu et al., arXiv 2007.08124): logical reasoning over a passage, four choices.

Reads `Train.txt` (7376), `Eval.txt` (651, dev) and `Test.txt` (651), or any of them. Eight lines an
item: blank, the answer's letter, the passage, the question, four options "A." to "D.". A blank line
before a single letter begins the next item, so a faulty one is left out, counted, and costs no
other.

The same as JSON lines, as LogiQA 2.0 (`train.txt`, `dev.txt`, `test.txt`) and copies of the first
have it: `text` or `context`, `question` or `query`, `options`, and the right one's place from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from localfair.tasks.benchmark import UNVERIFIED, Benchmark, Layout, sound_items
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.splits import Item

HINT = (
    "expected Train.txt, Eval.txt and Test.txt, eight lines an item: "
    'blank, answer letter, passage, question, options "A." to "D."'
)
_LINES = 8
_OPTIONS = 4
# what JSON lines call the parts of an item
_PASSAGE = ("text", "context", "passage")
_QUESTION = ("question", "query")
_ANSWER = ("answer", "correct_option", "label")


def items(file: File) -> list[Item]:
    """The questions of one file; their keys are `Test-1`, `Test-2`, ..."""
    if file.text.lstrip().startswith("{"):
        rows = json_rows(file, HINT)
        return sound_items(file, rows, lambda row: _json_item(file, row))
    return sound_items(file, _blocks(file), lambda block: _item(file, block))


def _blocks(file: File) -> Iterator[Row]:
    """The lines of each item, in their order; `number` counts items."""
    lines = [line.strip() for line in file.text.rstrip().split("\n")]
    starts = [0]
    for index in range(1, len(lines) - 1):
        if not lines[index] and re.fullmatch(r"[A-Za-z][.)]?", lines[index + 1]):
            starts.append(index)
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), 1):
        block = [
            Row(f"{file.path} line {index + 1}", lines[index], HINT, index + 1)
            for index in range(start, end)
        ]
        while len(block) > _LINES and not block[-1].value:  # more than one blank line between two
            block.pop()
        yield Row(f"{file.path} line {start + 1}", block, HINT, number)


def _item(file: File, rows: Row) -> Item:
    block: list[Row] = rows.value
    if block[0].value:
        raise block[0].bad("an item must start with a blank line")
    if len(block) != _LINES:
        raise rows.bad(f"the item has {len(block)} lines instead of {_LINES}")
    _, answer, passage, question, *options = block
    if not re.fullmatch(r"[A-Da-d]", answer.value):
        raise answer.bad(f"{answer.value[:20]!r} is not an answer A to D")
    choices = [_option(option, letter) for option, letter in zip(options, "ABCD", strict=True)]
    return Item(
        key=f"{file.path.stem}-{rows.number}",
        text=f"{passage.value}\n{question.value}".strip(),
        gold=answer.value.upper(),
        choices=tuple(choices),
    )


def _option(line: Row, letter: str) -> str:
    """The text of the option that must have that letter."""
    match = re.fullmatch(rf"{letter}\s*[.)]\s*(\S.*)", line.value)
    if not match:
        raise line.bad(f"is not option {letter!r}")
    return match[1]


def _json_item(file: File, row: Row) -> Item:
    options = row.texts("options")
    if len(options) != _OPTIONS:
        raise row.bad(f"has {len(options)} options instead of {_OPTIONS}")
    return Item(
        key=f"{file.path.stem}-{row.number}",
        text=f"{row.text(_name(row, _PASSAGE))}\n{row.text(_name(row, _QUESTION))}",
        gold=_letter(row),
        choices=tuple(re.sub(r"^\(?([A-D])[.)]\s*", "", option) for option in options),
    )


def _name(row: Row, names: tuple[str, ...]) -> str:
    """The first of the names that the row has; the first of all when it has none."""
    return next((name for name in names if row.has(name)), names[0])


def _letter(row: Row) -> str:
    """The letter of the right option, which stands as its place from 0 or as itself."""
    answer = row.scalar(_name(row, _ANSWER)).strip().upper()
    if re.fullmatch("[0-3]", answer):
        return "ABCD"[int(answer)]
    if re.fullmatch("[A-D]", answer):
        return answer
    raise row.bad(f"{answer[:20]!r} is neither a place from 0 to 3 nor a letter A to D")


LAYOUT = Layout(
    files={"Train.txt": "train", "Eval.txt": "dev", "Test.txt": "test"},
    items=items,
    hint=HINT,
    needs_all=False,
    reads=(".jsonl",),
    others={
        "train.txt": "train",
        "dev.txt": "dev",
        "test.txt": "test",
        "train.jsonl": "train",
        "dev.jsonl": "dev",
        "validation.jsonl": "dev",
        "test.jsonl": "test",
    },
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
