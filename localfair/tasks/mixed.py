"""A task that asks the questions of several generated tasks in turn.

Makes its questions; reads no file. Each topic is asked, graded and followed step by step as its own
task does it, and every question names its topic in its key (`last-letters/12`). The questions are
drawn anew: none is taken from the topic's own task, so that whoever was taught on that task has not
seen them. Where one topic makes by chance what its own task made, the split is the same, since a
hash of the text decides it. Ours.

Three topics, because a committee is worth its tokens only where its members know different things:
sums in two steps, joining letters, and keeping track of a state. A model of half a billion
parameters learns each of them from some hundred solutions, and none of them helps with another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Literal

from localfair.errors import TaskError
from localfair.record.nouns import Graded, Question
from localfair.tasks import arithmetic, last_letters, shuffled_objects
from localfair.tasks.base import Dataset, Task
from localfair.tasks.benchmark import GENERATED, answer_format, prompt
from localfair.tasks.generated import SIZES, Draft, make_items
from localfair.tasks.splits import Item, Part, assemble

STEPS = 2  # of the arithmetic: one step is known to nearly everybody, three to nobody small


def _sum(random: Random, number: int) -> Item:
    return arithmetic.draft(random, STEPS, number)


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the tasks that are mixed, and how it makes a question."""

    task: Task
    draft: Draft


@dataclass(frozen=True, slots=True)
class Mixed:
    """A `Task` of several topics, one after another in every split."""

    name: str
    topics: tuple[Topic, ...]
    answer_kind: Literal["any"] = "any"
    licence: str = GENERATED
    public_source: str = "localfair"
    generated: bool = True

    def read(self, path: Path) -> Dataset:
        """Raises TaskError: its questions are made."""
        raise TaskError(f"task {self.name!r} reads no files", "it is generated; leave the path out")

    def generate(self, *, seed: int = 0) -> Dataset:
        """All questions; one seed, one data set."""
        return Dataset(assemble(self.name, self._parts(seed)), (), GENERATED)

    def prompt(self, question: Question) -> str:
        """See `benchmark.prompt`."""
        return prompt(question)

    def answer_format(self, question: Question | None = None) -> str:
        """That of the question's topic; without a question, of any."""
        if question is None:
            return answer_format(self.answer_kind)
        return self.topic_of(question).answer_format()

    def grade(self, question: Question, text: str) -> Graded:
        """As the question's topic grades it."""
        return self.topic_of(question).grade(question, text)

    def sound(self, question: Question, text: str) -> bool | None:
        """As the question's topic follows it."""
        return self.topic_of(question).sound(question, text)

    def topic_of(self, question: Question) -> Task:
        """The task that a question is of. Raises TaskError for a question that is of none."""
        name = question.key.partition("/")[0]
        for topic in self.topics:
            if topic.task.name == name:
                return topic.task
        raise TaskError(
            f"question {question.key!r} of task {self.name!r} is of no topic that it mixes",
            f"its topics are {', '.join(topic.task.name for topic in self.topics)}",
        )

    def _parts(self, seed: int) -> Mapping[Part, Sequence[Item]]:
        """The items of each split: the first of each topic, then the second of each, and so on."""
        count = len(self.topics)
        sizes = {part: -(-size // count) for part, size in SIZES.items()}
        made = []
        for topic in self.topics:
            items = make_items(f"{self.name} {topic.task.name}", topic.draft, seed, sizes)
            made.append((topic.task.name, items))
        parts: dict[Part, list[Item]] = {}
        for part, size in SIZES.items():
            in_turn: list[Item] = []
            for position in range(sizes[part]):
                for name, items in made:
                    item = items[part][position]
                    in_turn.append(replace(item, key=f"{name}/{item.key}"))
            parts[part] = in_turn[:size]
        return parts


def _task(tasks: Sequence[Task], name: str) -> Task:
    """The task of that name among those that a file defines."""
    [task] = [task for task in tasks if task.name == name]
    return task


TASKS = (
    Mixed(
        name="mixed",
        topics=(
            Topic(_task(arithmetic.TASKS, f"arithmetic-{STEPS}"), _sum),
            Topic(_task(last_letters.TASKS, "last-letters"), last_letters.draft),
            Topic(_task(shuffled_objects.TASKS, "shuffled-objects"), shuffled_objects.draft),
        ),
    ),
)
