"""How many train questions a budget of teacher tokens, or of lessons, pays for in one recipe.

Runs a recipe up to the step that spends the budget, on more and more train questions: the record makes every smaller
run free. Writes only what those runs write. A token is one that a teacher or a reviewer read or wrote, counted as if
nothing had been recorded: a reviewer reads much and writes little, and both take the machine's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.pipeline import runs as pipeline
from localfair.pipeline.orders import Order
from localfair.recipe.schema import AnyStep, Inquire, Recipe, Review, Select, Train
from localfair.record.store import Row, Store

START = 8  # train questions of the first, smallest run
MARGIN = 1.05  # questions differ in what they cost: aim a little beyond the budget

# what teachers and reviewers wrote for a run, or a mentor did: by question, each generation once
ASKED = """
SELECT g.id, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds FROM run_rows r
  JOIN explanations e ON e.id = r."row" JOIN seats s ON s.id = e.seat JOIN generations g ON g.id = e.generation
  WHERE r.run = ? AND r.noun = 'explanation'
UNION
SELECT g.id, e.question, s.role, g.prompt_tokens, g.completion_tokens, g.seconds FROM run_rows r
  JOIN reviews v ON v.id = r."row" JOIN explanations e ON e.id = v.explanation JOIN seats s ON s.id = v.seat
  JOIN generations g ON g.id = v.generation WHERE r.run = ? AND r.noun = 'review'
"""


def asking_step(recipe: Recipe) -> str | None:
    """The last step of the first round that asks teachers or reviewers anything."""
    asking = [s.id for number, s in recipe.steps() if number <= 1 and _asks(s)]
    return asking[-1] if asking else None


def _asks(step: AnyStep) -> bool:
    return (isinstance(step, Inquire) and step.role == "teacher") or (
        isinstance(step, Review) and step.mode != "none"
    )


def lesson_step(recipe: Recipe) -> str:
    """The select step whose lessons the student learns from."""
    selects: list[str] = []
    for _, step in recipe.steps():
        if isinstance(step, Select):
            selects.append(step.id)
        if isinstance(step, Train) and step.role == "student" and selects:
            return step.input or selects[-1]
    raise UsageError(
        f"recipe {recipe.name!r} teaches its student nothing", "compare recipes with a train step"
    )


def with_lessons(order: Order, wanted: int, progress: Progress) -> Order:
    """The order with as many train questions as give the lessons wanted, or all; its recipe drops what is beyond."""
    return _grown(order, lesson_step(order.recipe), wanted, lessons_of, progress)[0]


def with_tokens(
    order: Order, budget: int, most: int | None, say: Callable[[str], None], progress: Progress
) -> Order:  # fmt: skip
    """The order with the most train questions that a budget of teacher tokens pays for.

    Where nobody is asked, `most` questions, what the others took. Raises UsageError when not one is paid for.
    """
    step = asking_step(order.recipe)
    if step is None:
        return replace(
            order, train_limit=min(filter(None, (most, order.train_limit)), default=None)
        )
    share = (
        budget // order.recipe.rounds
    )  # later rounds ask about what is still wrong: no more than this
    grown, run = _grown(order, step, share, teacher_tokens, progress)
    with Store.open(order.db) as store:
        costs = question_costs(store, run)
        questions = [q.id for q in store.questions(order.task, "train", grown.train_limit)]
    count = fitting([costs.get(q, 0) for q in questions], share)
    if count == 0:
        raise UsageError(
            f"a budget of {budget} teacher tokens does not pay for one question ({costs[questions[0]]})",
            "give more with --budget-tokens",
        )
    say(
        f"{count} train questions cost {sum(costs.get(q, 0) for q in questions[:count])} of {share} teacher tokens"
    )
    return replace(order, train_limit=count)


def _grown(
    order: Order, step: str, wanted: int, measure: Callable[[Store, str], int], progress: Progress
) -> tuple[Order, str]:  # fmt: skip
    """The order grown, and its run up to a step, until it measures what is wanted or all questions are taken."""
    limit = min(START, order.train_limit or START)
    while True:
        run = pipeline.run(
            replace(order, train_limit=limit), until=step, say=lambda line: None, progress=progress
        )
        with Store.open(order.db) as store:
            found = measure(store, run)
            most = len(store.questions(order.task, "train", order.train_limit))
        if found >= wanted or limit >= most:
            return replace(order, train_limit=min(limit, most)), run
        limit = next_limit(limit, found, wanted, most)


def next_limit(limit: int, found: int, wanted: int, most: int) -> int:
    """How many questions to take next: what the last ones' measure lets expect, at most twice as many."""
    expected = limit * wanted * MARGIN / found if found else 2.0 * limit
    return min(most, max(limit + 1, int(min(expected, 2.0 * limit))))


def fitting(costs: Sequence[int], budget: int) -> int:
    """How many of the first questions cost no more than the budget together."""
    spent = 0
    for count, cost in enumerate(costs):
        spent += cost
        if spent > budget:
            return count
    return len(costs)


def asked_of(store: Store, run: str) -> list[Row]:
    """What teachers, reviewers and mentors were asked for a run, each generation once."""
    return store.rows(ASKED, run, run)


def question_costs(store: Store, run: str) -> dict[str, int]:
    """Tokens that teachers and reviewers read and wrote about each question."""
    costs: dict[str, int] = {}
    for g in asked_of(store, run):
        if g["role"] != "mentor":
            costs[g["question"]] = (
                costs.get(g["question"], 0) + g["prompt_tokens"] + g["completion_tokens"]
            )
    return costs


def teacher_tokens(store: Store, run: str) -> int:
    """What a run's teachers and reviewers read and wrote, as if nothing had been in the record."""
    return sum(question_costs(store, run).values())


def lessons_of(store: Store, run: str) -> int:
    """How many lessons the last select step of a run made."""
    step = store.one(
        "SELECT position FROM run_steps WHERE run = ? AND stage = 'select' ORDER BY position DESC",
        run,
    )
    ids = store.linked(run, [step["position"]], "lesson") if step else []
    return sum(row["dropped"] is None for row in store.by_ids("lessons", ids).values())
