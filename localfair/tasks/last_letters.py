"""Last letters (Wei et al., arXiv 2201.11903): join the last letters of the words of a name.

Reads `last_letters.json` as Kojima et al. (arXiv 2205.11916) publish it, `examples` with
`question` and `answer`, split 70/30. Without a file it makes its own questions, of two to four
first names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from localfair.tasks.benchmark import UNVERIFIED, Benchmark, Layout, concluded
from localfair.tasks.files import File, Row, json_rows
from localfair.tasks.generated import make_items
from localfair.tasks.names import NAMES
from localfair.tasks.splits import Item, Part

HINT = 'expected last_letters.json: {"examples": [{"question": ..., "answer": "yajo"}]}'
_ASKS = (
    'Take the last letters of the words in "{words}" and concatenate them.',
    'Join the last letter of each word in "{words}".',
    'What do the last letters of the words in "{words}" spell?',
    'Write the last letter of every word in "{words}", one after the other.',
    'Which letters do the words in "{words}" end with? Write them together.',
)


def items(file: File) -> list[Item]:
    """The examples of the published file; their keys are their numbers."""
    rows = json_rows(file, HINT, under="examples")
    return [_item(row, str(number)) for number, row in enumerate(rows, 1)]


def _item(row: Row, key: str) -> Item:
    answer = row.text("answer")
    if not answer.isalnum():
        raise row.bad(f"the answer {answer[:40]!r} is not one word")
    return Item(key=key, text=row.text("question"), gold=answer)


def make(seed: int) -> Mapping[Part, Sequence[Item]]:
    """Questions of our own, by part."""
    return make_items("last-letters", draft, seed)


def draft(random: Random, number: int) -> Item:
    """A question of two, three or four names in turn."""
    words = random.sample(NAMES, 2 + number % 3)
    ask = random.choice(_ASKS)
    gold = "".join(word[-1] for word in words)
    steps = ", ".join(f'"{word}" ends in "{word[-1]}"' for word in words)
    return Item(
        key=str(number),
        text=ask.format(words=" ".join(words)),
        gold=gold,
        rationale=concluded(steps, gold),
    )


LAYOUT = Layout(
    files={"last_letters.json": "all"},
    items=items,
    hint=HINT,
)

TASKS = (
    Benchmark(
        name="last-letters",
        answer_kind="text",
        licence=UNVERIFIED,
        public_source="https://github.com/kojima-takeshi188/zero_shot_cot",
        layout=LAYOUT,
        make=make,
    ),
)
