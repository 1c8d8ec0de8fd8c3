"""How many train questions a budget of teacher tokens, or of lessons, pays for in one recipe.

Runs a recipe up to the step that spends the budget, on more and more train questions: the record
makes every smaller run free. Writes only what those runs write. A token is one that a teacher or a
reviewer read or wrote, counted as if nothing had been recorded: a reviewer reads much and writes
little, and both take the machine's time. A budget may count FLOPs instead, 2 for each parameter and
token, where teachers differ in size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.pipeline.orders import Order
from localfair.pipeline.prepared import quiet
from localfair.pipeline.runs import run
from localfair.recipe.schema import (
    SECTIONS,
    Exam,
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
START = 8  # train questions of the first, smallest run
LABELS_PART = 10  # label reviews take at most one part in so many of a budget
MARGIN = 1.05  # questions differ in what they cost: aim a little beyond the budget


def token_price(cost: Cost) -> int:
    """The tokens of a generation."""
    return cost.tokens


def flops(tokens: int, parameters: int) -> int:
    """FLOPs of a model that reads or writes so many tokens: 2 a parameter and token (Kaplan et al.,
    arXiv 2001.08361, section 2.1).
    """
    return 2 * parameters * tokens


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run's teachers and reviewers may cost in all, and what a generation counts for."""

    amount: int
    unit: str = "teacher tokens"
    price: Callable[[Cost], int] = token_price

    @property
    def option(self) -> str:
        """The option of the command line that gives it."""
        return "--budget-tokens" if self.unit == "teacher tokens" else "--budget-flops"

    def spent(self, store: Store, run_id: str) -> int:
        """What a run cost, as if nothing had been in the record."""
        return sum(self.costs(store, run_id).values())

    def costs(self, store: Store, run_id: str) -> dict[str, int]:
        """What a run cost by question; "" for what was about none."""
        return self._by_question(cost for cost in costs_of(store, run_id) if cost.role != "mentor")

    def label_costs(self, store: Store, run_id: str) -> dict[str, int]:
        """What a run's label reviews and plants cost by question."""
        return self._by_question(label_costs_of(store, run_id))

    def _by_question(self, costs: Iterable[Cost]) -> dict[str, int]:
        by_question: dict[str, int] = {}
        for cost in costs:
            by_question[cost.question] = by_question.get(cost.question, 0) + self.price(cost)
        return by_question


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
    if isinstance(step, Exam):
        return step.role in ("teacher", "reviewer")
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


def with_budget(
    order: Order, budget: Budget, most: int | None, say: Callable[[str], None], progress: Progress
) -> Order:
    """The order with the most train questions that a budget pays for.

    Where nobody is asked, `most` questions, what the others took. Raises UsageError when the budget
    does not pay for one question, or not for those that the order of the teachers rests on.
    """
    step = asking_step(order.recipe)
    if step is None:
        limits = [limit for limit in (most, order.train_limit) if limit]
        return replace(order, train_limit=min(limits, default=None))
    # later rounds ask about what is still wrong: no more than this
    share = budget.amount // order.recipe.rounds
    grown, run_id = _grown(order, step, share, budget.spent, progress)
    labels = _labels_within(grown, run_id, replace(budget, amount=share // LABELS_PART))
    if labels is not None:
        say(f"labels are of the first {labels} questions: a tenth of the budget")
        order = replace(order, recipe=_with_labels(order.recipe, labels))
        grown, run_id = _grown(order, step, share, budget.spent, progress)
    with Store.open(order.db) as store:
        cost_of = budget.costs(store, run_id)
        questions = store.questions(order.task, "train", grown.train_limit)
        ordered_on = questions_ordered_on(store, run_id)
    costs = [cost_of.get(question.id, 0) for question in questions]
    # what is about no question is paid first
    count = fitting(costs, share - cost_of.get("", 0))
    if count == 0:
        raise _too_small(budget, costs[0] + cost_of.get("", 0))
    if count < ordered_on:
        raise _too_few_to_order(order, budget, count, ordered_on)
    fitted = replace(order, train_limit=count)
    spent = sum(costs[:count])
    if count < len(costs):
        # on fewer questions other labels or another order of teachers may be asked for
        fitted, spent = _fitted(fitted, step, replace(budget, amount=share), progress)
    say(f"{fitted.train_limit} train questions cost {spent} of {share} {budget.unit}")
    return fitted


def _fitted(order: Order, step: str, budget: Budget, progress: Progress) -> tuple[Order, int]:
    """The order with no more train questions than its run up to a step pays for, and what it
    costs.
    """
    while True:
        run_id = run(order, until=step, say=quiet, progress=progress)
        with Store.open(order.db) as store:
            spent = budget.spent(store, run_id)
            ordered_on = questions_ordered_on(store, run_id)
        if spent <= budget.amount:
            return order, spent
        order = smaller(order, budget, spent)
        if (order.train_limit or 0) < ordered_on:
            raise _too_few_to_order(order, budget, order.train_limit or 0, ordered_on)


def smaller(order: Order, budget: Budget, spent: int) -> Order:
    """An order that overspent, with fewer train questions. Raises UsageError when none is left."""
    count = order.train_limit
    assert count is not None, "an order within a budget has a limit"
    fewer = min(count - 1, count * budget.amount // spent)
    if fewer < 1:
        raise _too_small(budget, spent)
    return replace(order, train_limit=fewer)


def _too_small(budget: Budget, cost: int) -> UsageError:
    return UsageError(
        f"a budget of {budget.amount} {budget.unit} does not pay for one question ({cost})",
        f"give more with {budget.option}",
    )


def _too_few_to_order(order: Order, budget: Budget, count: int, ordered_on: int) -> UsageError:
    return UsageError(
        f"a budget of {budget.amount} {budget.unit} pays for {count} questions, "
        f"and the order of the teachers rests on {ordered_on}",
        f"give more with {budget.option}, or order them on fewer with "
        f"--set {_in_turn(order)[0].id}.order_on={count}",
    )


def _labels_within(order: Order, run_id: str, budget: Budget) -> int | None:
    """How many first questions' label reviews a budget pays for; None where it pays for all."""
    wanted = max((step.accept.labels for step in _calibrated(order.recipe)), default=0)
    if not wanted:
        return None
    with Store.open(order.db) as store:
        costs = budget.label_costs(store, run_id)
        questions = store.questions(order.task, "train", min(wanted, order.train_limit or wanted))
    count = fitting([costs.get(question.id, 0) for question in questions], budget.amount)
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
    start = max([START, *(step.order_on for step in _in_turn(order)), *_first_ones(order)])
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


def _first_ones(order: Order) -> list[int]:
    """How many of the first questions an order's steps are about that take no others."""
    return [
        step.first for _, step in order.recipe.steps() if isinstance(step, Inquire) and step.first
    ]


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
    return Budget(0).costs(store, run_id)


def teacher_tokens(store: Store, run_id: str) -> int:
    """What a run's teachers and reviewers read and wrote, as if nothing had been in the record."""
    return sum(question_costs(store, run_id).values())
