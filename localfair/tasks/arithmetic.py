"""Word problems of one, two or three steps with small whole numbers. Ours; made, never read.

Every number on the way is 2 to 99. A story opens with an amount, changes it, and asks for it;
the templates of each operation stand in `arithmetic_stories`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from localfair.tasks import arithmetic_stories as stories
from localfair.tasks.benchmark import GENERATED, Benchmark
from localfair.tasks.generated import make_items
from localfair.tasks.names import FOODS, HE, HOLDERS, PLACES, SHE, THINGS, plural, singular
from localfair.tasks.splits import Item, Part

_MOST = 99


@dataclass(slots=True)
class _Story:
    """A problem being told: who and what it is about, the amount so far, sentences and sums."""

    random: Random
    words: dict[str, str]
    is_food: bool
    amount: int = 0
    sentences: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)

    def tell(self, templates: Sequence[str], **numbers: int) -> None:
        template = self.random.choice(templates)
        self.sentences.append(template.format(**self.words, **numbers))

    def becomes(self, sign: str, other: int, result: int, unit: str | None = None) -> None:
        """One step: the sum as the rationale shows it."""
        self.sums.append(f"{self.amount} {sign} {other} = {result} {unit or self.words['things']}")
        self.amount = result


def draft(random: Random, steps: int, number: int) -> Item:
    """One problem of that many steps."""
    story = _new_story(random)
    plan = random.choice(_PLANS[steps])
    for part in plan:
        part(story)
    return Item(
        key=str(number),
        text=" ".join(story.sentences),
        gold=str(story.amount),
        rationale=f"{_told(story.sums)}. The answer is {story.amount}.",
    )


def _told(sums: Sequence[str]) -> str:
    return ", then ".join(sums)


def _new_story(random: Random) -> _Story:
    is_food = random.random() < 0.4
    things = random.choice(FOODS if is_food else THINGS)
    name, he, his = random.choice([(n, "she", "her") for n in SHE] + [(n, "he", "his") for n in HE])
    friend = random.choice([n for n in (*SHE, *HE) if n != name])
    holder = random.choice(HOLDERS)
    words = {
        "name": name, "he": he, "He": he.capitalize(), "his": his, "friend": friend, "things": things,
        "thing": singular(things), "holder": holder, "holders": plural(holder),
        "place": random.choice(PLACES),
    }  # fmt: skip
    return _Story(random, words, is_food)


def _open(story: _Story) -> None:
    story.amount = story.random.randint(6, 60)
    story.tell(stories.HAVE, a=story.amount)


def _open_groups(story: _Story) -> None:
    groups, each = story.random.randint(2, 9), story.random.randint(2, 9)
    story.amount = groups
    story.tell(stories.GROUPS, a=groups, b=each)
    story.becomes("*", each, groups * each)


def _gain(story: _Story) -> None:
    more = story.random.randint(2, max(2, min(30, _MOST - story.amount)))
    story.tell(stories.GAIN, b=more)
    story.becomes("+", more, story.amount + more)


def _lose(story: _Story) -> None:
    less = story.random.randint(2, max(2, story.amount - 2))
    story.tell(stories.LOSE_FOOD + stories.LOSE if story.is_food else stories.LOSE, b=less)
    story.becomes("-", less, story.amount - less)


def _ask(story: _Story) -> None:
    story.tell(stories.ASK)


def _ask_groups(story: _Story) -> None:
    story.tell(stories.ASK_GROUPS)


def _share(story: _Story) -> None:
    """Divide what there is; the amount was made to divide by `_round_up` before."""
    by = story.random.choice(
        [d for d in range(2, 10) if story.amount % d == 0 and story.amount // d >= 2]
    )
    story.tell(stories.SHARE, b=by)
    story.becomes("/", by, story.amount // by)


def _gain_to_divide(story: _Story) -> None:
    targets = [t for t in range(story.amount + 2, min(_MOST, story.amount + 30) + 1) if _divides(t)]
    more = story.random.choice(targets) - story.amount
    story.tell(stories.GAIN, b=more)
    story.becomes("+", more, story.amount + more)


def _lose_to_divide(story: _Story) -> None:
    targets = [t for t in range(4, story.amount - 1) if _divides(t)]
    less = story.amount - story.random.choice(targets)
    story.tell(stories.LOSE_FOOD + stories.LOSE if story.is_food else stories.LOSE, b=less)
    story.becomes("-", less, story.amount - less)


def _open_to_divide(story: _Story) -> None:
    story.amount = story.random.choice([t for t in range(6, 91) if _divides(t)])
    story.tell(stories.HAVE, a=story.amount)


def _sell(story: _Story) -> None:
    """What is left is sold at a price each."""
    price = story.random.randint(2, max(2, min(9, _MOST // story.amount)))
    story.tell(stories.SELL, b=price)
    story.becomes("*", price, story.amount * price, "dollars")


def _open_few(story: _Story) -> None:
    story.amount = story.random.randint(2, 11)
    story.tell(stories.HAVE, a=story.amount)


def _gain_few(story: _Story) -> None:
    more = story.random.randint(2, 11)
    story.tell(stories.GAIN, b=more)
    story.becomes("+", more, story.amount + more)


def _lose_to_few(story: _Story) -> None:
    left = story.random.randint(2, min(11, story.amount - 2))
    less = story.amount - left
    story.tell(stories.LOSE_FOOD + stories.LOSE if story.is_food else stories.LOSE, b=less)
    story.becomes("-", less, left)


def _compare(story: _Story) -> None:
    """A friend has more; how many together is the next step."""
    more = story.random.randint(2, max(2, min(20, _MOST - 2 * story.amount)))
    first = story.amount
    story.tell(stories.COMPARE, b=more)
    story.becomes("+", more, first + more)
    story.tell(stories.ASK_TOGETHER)
    story.becomes("+", first, 2 * first + more)


def _open_less(story: _Story) -> None:
    story.amount = story.random.randint(3, 38)
    story.tell(stories.HAVE, a=story.amount)


def _divides(amount: int) -> bool:
    return any(amount % d == 0 and amount // d >= 2 for d in range(2, 10))


_Plan = tuple[Callable[[_Story], None], ...]
_PLANS: dict[int, tuple[_Plan, ...]] = {
    1: (
        (_open, _gain, _ask),
        (_open, _lose, _ask),
        (_open_groups, _ask_groups),
        (_open_to_divide, _share),
    ),
    2: (
        (_open, _gain, _lose, _ask),
        (_open, _lose, _gain, _ask),
        (_open_groups, _gain, _ask),
        (_open_groups, _lose, _ask),
        (_open, _gain_to_divide, _share),
        (_open, _lose_to_divide, _share),
        (_open, _lose_to_few, _sell),
        (_open_few, _gain_few, _sell),
        (_open_less, _compare),
    ),
    3: (
        (_open_groups, _gain, _lose, _ask),
        (_open_groups, _lose, _gain, _ask),
        (_open, _gain, _lose_to_divide, _share),
        (_open, _lose, _gain_to_divide, _share),
        (_open_groups, _gain_to_divide, _share),
        (_open_groups, _lose_to_few, _sell),
        (_open, _gain, _lose_to_few, _sell),
        (_open_few, _gain_few, _compare),
        (_open, _gain, _lose, _gain, _ask),
    ),
}  # fmt: skip


def _maker(name: str, steps: Sequence[int]) -> Callable[[int], Mapping[Part, Sequence[Item]]]:
    def one(random: Random, number: int) -> Item:
        return draft(random, steps[number % len(steps)], number)

    return lambda seed: make_items(name, one, seed)


def _task(name: str, steps: Sequence[int]) -> Benchmark:
    return Benchmark(
        name=name,
        answer_kind="number",
        licence=GENERATED,
        public_source="localfair",
        make=_maker(name, steps),
    )


TASKS = (
    _task("arithmetic", (1, 2, 3)),
    _task("arithmetic-1", (1,)),
    _task("arithmetic-2", (2,)),
    _task("arithmetic-3", (3,)),
)
