"""How many train questions a budget of teacher tokens, or of lessons, pays for in one recipe.

Runs a recipe up to the step that spends the budget, on more and more train questions: the record
makes every smaller run free. Writes only what those runs write. A token is one that a teacher or a
reviewer read or wrote, counted as if nothing had been recorded: a reviewer reads much and writes
little, and both take the machine's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.pipeline.orders import Order
from localfair.pipeline.prepared import quiet
from localfair.pipeline.runs import run
from localfair.recipe.schema import (
    SECTIONS,
    Inquire,
    Recipe,
    RecipeStep,
    Review,
    Select,
    Train,
)
from localfair.record.costs import Cost, costs_of, label_costs_of
from localfair.record.lessons import lessons_made
from localfair.record.runs import questions_ordered_on
from localfair.record.store import Store

Measure = Callable[[Store, str], int]  # of a run, by its id
LABELS_PART = 10  # label reviews take at most one part in so many of a budget
START = 8  # train questions of the first, smallest run
MARGIN = 1.05  # questions differ in what they cost: aim a little beyond the budget


def asking_step(recipe: Recipe) -> str | None:
    """The last step of the first round that asks teachers or reviewers anything."""
    last = None
    for round_number, step in recipe.steps():
        if round_number <= 1 and _asks_committee(step):
            last = step.id
    return last


def _asks_committee(step: RecipeStep) -> bool:
    if isinstance(step, Inquire):
        return step.role == "teacher"
    return isinstance(step, Review) and step.mode != "none"


def lesson_step(recipe: Recipe) -> str:
    """The select step whose lessons the student learns from; the last one, where it learns twice.

    Raises UsageError for a recipe without any.
    """
    selects: list[str] = []
    learned: list[str] = []
    for _, step in recipe.steps():
        if isinstance(step, Select):
            selects.append(step.id)
        if isinstance(step, Train) and step.role == "student" and selects:
            learned.append(step.input or selects[-1])
    if learned:
        return learned[-1]
    raise UsageError(
        f"recipe {recipe.name!r} teaches its student nothing", "compare recipes with a train step"
    )


def with_lessons(order: Order, wanted: int, progress: Progress) -> Order:
    """The order with as many train questions as give the lessons wanted, or all.

    Its recipe drops what is beyond.
    """
    step = lesson_step(order.recipe)
    grown, _ = _grown(order, step, wanted, lessons_made, progress)
    return grown


def with_tokens(
    order: Order, budget: int, most: int | None, say: Callable[[str], None], progress: Progress
) -> Order:
    """The order with the most train questions that a budget of teacher tokens pays for.

    Where nobody is asked, `most` questions, what the others took. Raises UsageError when the budget
    does not pay for one question, or not for those that the order of the teachers rests on.
    """
    step = asking_step(order.recipe)
    if step is None:
        limits = [limit for limit in (most, order.train_limit) if limit]
        return replace(order, train_limit=min(limits, default=None))
    # later rounds ask about what is still wrong: no more than this
    share = budget // order.recipe.rounds
    grown, run_id = _grown(order, step, share, teacher_tokens, progress)
    labels = _labels_within(grown, run_id, share // LABELS_PART)
    if labels is not None:
        say(f"labels are of the first {labels} questions: a tenth of the budget")
        order = replace(order, recipe=_with_labels(order.recipe, labels))
        grown, run_id = _grown(order, step, share, teacher_tokens, progress)
    with Store.open(order.db) as store:
        cost_of = question_costs(store, run_id)
        questions = store.questions(order.task, "train", grown.train_limit)
        ordered_on = questions_ordered_on(store, run_id)
    costs = [cost_of.get(question.id, 0) for question in questions]
    count = fitting(costs, share)
    if count == 0:
        raise UsageError(
            f"a budget of {budget} teacher tokens does not pay for one question ({costs[0]})",
            "give more with --budget-tokens",
        )
    if count < ordered_on:
        raise UsageError(
            f"a budget of {budget} teacher tokens pays for {count} questions, "
            f"and the order of the teachers rests on {ordered_on}",
            "give more with --budget-tokens, or order them on fewer with "
            f"--set {_in_turn(order)[0].id}.order_on={count}",
        )
    say(f"{count} train questions cost {sum(costs[:count])} of {share} teacher tokens")
    return replace(order, train_limit=count)


def _labels_within(order: Order, run_id: str, budget: int) -> int | None:
    """How many first questions' label reviews a budget pays for; None where it pays for all."""
    wanted = max((step.accept.labels for step in _calibrated(order.recipe)), default=0)
    if not wanted:
        return None
    with Store.open(order.db) as store:
        costs = _by_question(label_costs_of(store, run_id))
        questions = store.questions(order.task, "train", min(wanted, order.train_limit or wanted))
    count = fitting([costs.get(question.id, 0) for question in questions], budget)
    return count if count < len(questions) else None


def _calibrated(recipe: Recipe) -> list[Review]:
    steps = [step for _, _, step in recipe.sections()]
    return [step for step in steps if isinstance(step, Review) and step.is_calibrated]


def _with_labels(recipe: Recipe, labels: int) -> Recipe:
    """The recipe whose calibrated reviews take labels from so many questions at most."""
    sections: dict[str, tuple[RecipeStep, ...]] = {}
    for name in SECTIONS:
        steps: list[RecipeStep] = []
        for step in getattr(recipe, name):
            if isinstance(step, Review) and step.is_calibrated:
                fewer = min(labels, step.accept.labels)
                accept = step.accept.model_copy(update={"labels": fewer})
                step = step.model_copy(update={"accept": accept})
            steps.append(step)
        sections[name] = tuple(steps)
    return recipe.model_copy(update=sections)


def _grown(
    order: Order, step: str, wanted: int, measure: Measure, progress: Progress
) -> tuple[Order, str]:
    """The order grown, and its run up to a step, until it measures what is wanted or all
    questions are taken.
    """
    # a smaller run would freeze an order of teachers that rests on fewer questions
    start = max([START, *(step.order_on for step in _in_turn(order))])
    limit = min(start, order.train_limit or start)
    while True:
        smaller = replace(order, train_limit=limit)
        run_id = run(smaller, until=step, say=quiet, progress=progress)
        with Store.open(order.db) as store:
            measured = measure(store, run_id)
            most = len(store.questions(order.task, "train", order.train_limit))
        if measured >= wanted or limit >= most:
            return replace(order, train_limit=min(limit, most)), run_id
        limit = next_limit(limit, measured, wanted, most)


def _in_turn(order: Order) -> list[Inquire]:
    """The steps that ask an order's teachers in turn."""
    steps: list[Inquire] = []
    for _, step in order.recipe.steps():
        if isinstance(step, Inquire) and step.turns and step.role == "teacher":
            steps.append(step)
    return steps if len(order.teachers) > 1 else []


def next_limit(limit: int, measured: int, wanted: int, most: int) -> int:
    """How many questions to take next: what the last ones' measure lets expect, at most twice as
    many.
    """
    expected = 2.0 * limit
    if measured:
        expected = min(expected, limit * wanted * MARGIN / measured)
    return min(most, max(limit + 1, int(expected)))


def fitting(costs: Sequence[int], budget: int) -> int:
    """How many of the first questions cost no more than the budget together."""
    spent = 0
    for count, cost in enumerate(costs):
        spent += cost
        if spent > budget:
            return count
    return len(costs)


def question_costs(store: Store, run_id: str) -> dict[str, int]:
    """Tokens that teachers and reviewers read and wrote about each question."""
    return _by_question(cost for cost in costs_of(store, run_id) if cost.role != "mentor")


def _by_question(costs: Iterable[Cost]) -> dict[str, int]:
    tokens: dict[str, int] = {}
    for cost in costs:
        tokens[cost.question] = tokens.get(cost.question, 0) + cost.tokens
    return tokens


def teacher_tokens(store: Store, run_id: str) -> int:
    """What a run's teachers and reviewers read and wrote, as if nothing had been in the record."""
    return sum(question_costs(store, run_id).values())
