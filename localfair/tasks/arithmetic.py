"""Word problems of one, two or three steps with small whole numbers. Ours; made, never read.

A story opens with an amount, changes it, and asks for it. Every number on the way is 2 to 99. A
problem is a plan, a row of tellers; each teller adds a sentence and, if it changes the amount, a
sum. `arithmetic_stories` holds the sentences.
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
_FOOD_SHARE = 0.4
_FRIENDS = (*SHE, *HE)
# Everybody's name with what stands for it: she, her; he, his.
_PEOPLE = [(name, "she", "her") for name in SHE] + [(name, "he", "his") for name in HE]


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
        """Add a sentence made from one of the templates."""
        template = self.random.choice(templates)
        self.sentences.append(template.format(**self.words, **numbers))

    def becomes(self, sign: str, other: int, result: int, unit: str | None = None) -> None:
        """Add one step, a sum as the rationale shows it.

        The unit is the things, if none is given.
        """
        unit = unit or self.words["things"]
        self.sums.append(f"{self.amount} {sign} {other} = {result} {unit}")
        self.amount = result


def draft(random: Random, steps: int, number: int) -> Item:
    """One problem of that many steps."""
    story = _new_story(random)
    plan = random.choice(_PLANS[steps])
    for tell in plan:
        tell(story)
    sums = ", then ".join(story.sums)
    return Item(
        key=str(number),
        text=" ".join(story.sentences),
        gold=str(story.amount),
        rationale=f"{sums}. The answer is {story.amount}.",
    )


def _new_story(random: Random) -> _Story:
    # The order of these draws is part of every data set that was made: keep it.
    is_food = random.random() < _FOOD_SHARE
    things = random.choice(FOODS if is_food else THINGS)
    name, he, his = random.choice(_PEOPLE)
    friend = random.choice([other for other in _FRIENDS if other != name])
    holder = random.choice(HOLDERS)
    words = {
        "name": name,
        "he": he,
        "He": he.capitalize(),
        "his": his,
        "friend": friend,
        "things": things,
        "thing": singular(things),
        "holder": holder,
        "holders": plural(holder),
        "place": random.choice(PLACES),
    }
    return _Story(random, words, is_food)


# Tellers: how a story opens.


def _open(story: _Story) -> None:
    _have(story, story.random.randint(6, 60))


def _open_few(story: _Story) -> None:
    _have(story, story.random.randint(2, 11))


def _open_less(story: _Story) -> None:
    """So few that two people's amounts together are still small."""
    _have(story, story.random.randint(3, 38))


def _open_to_divide(story: _Story) -> None:
    _have(story, story.random.choice(_divisible(6, 90)))


def _open_groups(story: _Story) -> None:
    groups = story.random.randint(2, 9)
    each = story.random.randint(2, 9)
    story.amount = groups
    story.tell(stories.GROUPS, a=groups, b=each)
    story.becomes("*", each, groups * each)


# Tellers: what changes the amount. `_to_divide` and `_to_few` prepare the teller after them.


def _gain(story: _Story) -> None:
    _get(story, story.random.randint(2, max(2, min(30, _MOST - story.amount))))


def _gain_few(story: _Story) -> None:
    _get(story, story.random.randint(2, 11))


def _gain_to_divide(story: _Story) -> None:
    most = min(_MOST, story.amount + 30)
    target = story.random.choice(_divisible(story.amount + 2, most))
    _get(story, target - story.amount)


def _lose(story: _Story) -> None:
    _give(story, story.random.randint(2, max(2, story.amount - 2)))


def _lose_to_few(story: _Story) -> None:
    left = story.random.randint(2, min(11, story.amount - 2))
    _give(story, story.amount - left)


def _lose_to_divide(story: _Story) -> None:
    target = story.random.choice(_divisible(4, story.amount - 2))
    _give(story, story.amount - target)


# Tellers: how a story ends.


def _ask(story: _Story) -> None:
    story.tell(stories.ASK)


def _ask_groups(story: _Story) -> None:
    story.tell(stories.ASK_GROUPS)


def _share(story: _Story) -> None:
    """Divide the amount, which the teller before made divisible."""
    by = story.random.choice(_divisors(story.amount))
    story.tell(stories.SHARE, b=by)
    story.becomes("/", by, story.amount // by)


def _sell(story: _Story) -> None:
    """What is left is sold at a price each."""
    price = story.random.randint(2, max(2, min(9, _MOST // story.amount)))
    story.tell(stories.SELL, b=price)
    story.becomes("*", price, story.amount * price, "dollars")


def _compare(story: _Story) -> None:
    """A friend has more; how many together is the next step."""
    more = story.random.randint(2, max(2, min(20, _MOST - 2 * story.amount)))
    first = story.amount
    story.tell(stories.COMPARE, b=more)
    story.becomes("+", more, first + more)
    story.tell(stories.ASK_TOGETHER)
    story.becomes("+", first, 2 * first + more)


def _have(story: _Story, amount: int) -> None:
    story.amount = amount
    story.tell(stories.HAVE, a=amount)


def _get(story: _Story, more: int) -> None:
    story.tell(stories.GAIN, b=more)
    story.becomes("+", more, story.amount + more)


def _give(story: _Story, less: int) -> None:
    templates = stories.LOSE_FOOD + stories.LOSE if story.is_food else stories.LOSE
    story.tell(templates, b=less)
    story.becomes("-", less, story.amount - less)


def _divisors(amount: int) -> list[int]:
    """What an amount can be shared by, so that each gets at least 2."""
    return [by for by in range(2, 10) if amount % by == 0 and amount // by >= 2]


def _divisible(least: int, most: int) -> list[int]:
    """Every amount from `least` to `most` that can be shared."""
    return [amount for amount in range(least, most + 1) if _divisors(amount)]


_Plan = tuple[Callable[[_Story], None], ...]
_ONE_STEP: tuple[_Plan, ...] = (
    (_open, _gain, _ask),
    (_open, _lose, _ask),
    (_open_groups, _ask_groups),
    (_open_to_divide, _share),
)
_TWO_STEPS: tuple[_Plan, ...] = (
    (_open, _gain, _lose, _ask),
    (_open, _lose, _gain, _ask),
    (_open_groups, _gain, _ask),
    (_open_groups, _lose, _ask),
    (_open, _gain_to_divide, _share),
    (_open, _lose_to_divide, _share),
    (_open, _lose_to_few, _sell),
    (_open_few, _gain_few, _sell),
    (_open_less, _compare),
)
_THREE_STEPS: tuple[_Plan, ...] = (
    (_open_groups, _gain, _lose, _ask),
    (_open_groups, _lose, _gain, _ask),
    (_open, _gain, _lose_to_divide, _share),
    (_open, _lose, _gain_to_divide, _share),
    (_open_groups, _gain_to_divide, _share),
    (_open_groups, _lose_to_few, _sell),
    (_open, _gain, _lose_to_few, _sell),
    (_open_few, _gain_few, _compare),
    (_open, _gain, _lose, _gain, _ask),
)
_PLANS = {1: _ONE_STEP, 2: _TWO_STEPS, 3: _THREE_STEPS}


def _benchmark(name: str, *steps: int) -> Benchmark:
    """A task whose problems have these numbers of steps, in turn."""

    def draft_in_turn(random: Random, number: int) -> Item:
        return draft(random, steps[number % len(steps)], number)

    def make(seed: int) -> Mapping[Part, Sequence[Item]]:
        return make_items(name, draft_in_turn, seed)

    return Benchmark(
        name=name,
        answer_kind="number",
        licence=GENERATED,
        public_source="localfair",
        make=make,
    )


TASKS = (
    _benchmark("arithmetic", 1, 2, 3),
    _benchmark("arithmetic-1", 1),
    _benchmark("arithmetic-2", 2),
    _benchmark("arithmetic-3", 3),
)
