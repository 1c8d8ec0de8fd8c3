"""The rows of a comparison: every variant with every seed run within what is equal, as a row each.

Runs recipes through the pipeline and reads what they found and cost from the record. Knows nothing
of how variants are named, or of how a table is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.pipeline import controls
from localfair.pipeline.budget import Budget, asking_step, smaller, with_budget, with_lessons
from localfair.pipeline.comparison import VariantRun, accepted_share
from localfair.pipeline.equal import NO_BUDGET, Equal
from localfair.pipeline.flops import Parameters
from localfair.pipeline.orders import Order
from localfair.pipeline.runs import run
from localfair.record.costs import asked_seconds, costs_of, sampled_seconds, sampled_tokens
from localfair.record.made import Adapter
from localfair.record.store import Store
from localfair.record.tables import ADAPTERS
from localfair.report.findings import Accuracy, Findings, compared_exams, report


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is compared: an order of each variant for each seed, and the budget all of them get."""

    variants: tuple[str, ...]
    orders: dict[str, tuple[Order, ...]]  # one per seed
    equal: Equal = NO_BUDGET

    def data(self) -> dict[str, Any]:
        """What decides a comparison, as plain data."""
        orders = self.orders[self.variants[0]]
        first = orders[0]
        # the untrained student has no teachers
        taught = max((each[0] for each in self.orders.values()), key=_named)
        recipes = {}
        for name, variant_orders in self.orders.items():
            recipes[name] = variant_orders[0].recipe.model_dump(mode="json")
        budget = {"budget_flops": self.equal.flops} if self.equal.flops else {}
        on = {"on": self.equal.on} if self.equal.on != "test" else {}
        return {
            **budget,
            **on,
            "variants": recipes,
            "seeds": [order.seed for order in orders],
            "budget_tokens": self.equal.tokens,
            "lessons": self.equal.lessons,
            "task": first.task,
            "student": first.student,
            "teachers": list(taught.teachers),
            "reviewers": list(taught.reviewers),
            "mentor": taught.mentor,
            "train_limit": first.train_limit,
            "test_limit": first.test_limit,
            "engines": asdict(first.options),
        }


def _named(order: Order) -> int:
    """How many teachers an order names."""
    return len(order.teachers)


def budget_of(asked: Asked, parameters: Parameters) -> Budget | None:
    """What every variant may cost; None where that is not what is equal.

    Raises UsageError where FLOPs are to be equal and a teacher's size is not known.
    """
    equal = asked.equal
    if equal.tokens:
        return Budget(equal.tokens)
    if not equal.flops:
        return None
    for orders in asked.orders.values():
        parameters.must_know(orders[0])
    return Budget(equal.flops, "teacher FLOPs", parameters.price)


class Comparing:
    """A comparison that is being made, seed by seed."""

    def __init__(self, asked: Asked, say: Callable[[str], None], progress: Progress) -> None:
        self._asked = asked
        self._say = say
        self._progress = progress
        self._parameters = Parameters()
        self._budget = budget_of(asked, self._parameters)

    def seed(self, seed: int) -> list[VariantRun]:
        """The variants with one of the seeds, by its position.

        Those that ask teachers come first: one that asks nobody takes as many questions as the one
        that took most.
        """
        orders = {name: self._asked.orders[name][seed] for name in self._asked.variants}
        names = sorted(orders, key=lambda name: asking_step(orders[name].recipe) is None)
        rows: dict[str, VariantRun] = {}
        for name in names:
            order = orders[name]
            self._say(f"== {name}, seed {order.seed}")
            most = max((row.train_questions for row in rows.values()), default=0)
            rows[name] = self._row(name, order, most or None)
        first = rows[self._asked.variants[0]]
        return [row if row is first else row.against(first) for row in rows.values()]

    def _row(self, name: str, order: Order, most: int | None) -> VariantRun:
        """One variant with one seed, run within the budget."""
        if name == controls.UNTRAINED:
            exam = controls.exam_of(order, self._asked.equal.on)
            run_id = run(order, until=exam, say=self._say, progress=self._progress)
            with Store.open(order.db) as store:
                return self._untrained(store, order, run_id)
        order = self._limited(name, order, most)
        run_id = run(order, say=self._say, progress=self._progress)
        while self._budget is not None and asking_step(order.recipe) is not None:
            with Store.open(order.db) as store:
                spent = self._budget.spent(store, run_id)
            if spent <= self._budget.amount:
                break
            order = smaller(order, self._budget, spent)
            self._say(
                f"the whole run cost {spent} of {self._budget.amount} {self._budget.unit}: "
                f"again with {order.train_limit} train questions"
            )
            run_id = run(order, say=self._say, progress=self._progress)
        with Store.open(order.db) as store:
            return self._trained(store, name, order, run_id)

    def _limited(self, name: str, order: Order, most: int | None) -> Order:
        """The order with as many train questions as what is equal lets it take."""
        if name == controls.FORMAT_ONLY:
            # it learns from few lessons: no more are asked for
            return with_lessons(order, controls.lessons_of(order), self._progress)
        if self._asked.equal.lessons:
            return with_lessons(order, self._asked.equal.lessons, self._progress)
        if self._budget is not None:
            return with_budget(order, self._budget, most, self._say, self._progress)
        return order

    def _untrained(self, store: Store, order: Order, run_id: str) -> VariantRun:
        """The student as it is: it costs nothing and learns nothing."""
        [exam] = compared_exams(store, run_id, store.steps(run_id))
        accuracy = exam.accuracy()
        return VariantRun(
            variant=controls.UNTRAINED,
            seed=order.seed,
            run=run_id,
            train_questions=0,
            before=accuracy,
            after=accuracy,
            change=None,
            teacher_tokens=0,
            written_tokens=0,
            mentor_tokens=0,
            teacher_flops=0,
            teacher_seconds=0,
            train_seconds=0,
            explanations=0,
            lessons=0,
            adapter=None,
            accepted=None,
            calls=report(store, run_id).calls,
            right=exam.right,
        )

    def _trained(self, store: Store, name: str, order: Order, run_id: str) -> VariantRun:
        """One variant with one seed, from its run."""
        findings = report(store, run_id)
        before, after = _both_exams(findings)
        costs = costs_of(store, run_id)
        by_mentor = [cost for cost in costs if cost.role == "mentor"]
        by_teachers = [cost for cost in costs if cost.role != "mentor"]
        adapters = store.get(ADAPTERS, findings.adapters).values()
        students = [adapter for adapter in adapters if adapter.role == "student"]
        *_, last_exam = compared_exams(store, run_id, store.steps(run_id))
        return VariantRun(
            variant=name,
            seed=order.seed,
            run=run_id,
            train_questions=len(store.questions(order.task, "train", order.train_limit)),
            before=before,
            after=after,
            change=findings.change,
            teacher_tokens=sum(cost.tokens for cost in by_teachers),
            written_tokens=sum(cost.completion_tokens for cost in by_teachers),
            mentor_tokens=sum(cost.tokens for cost in by_mentor),
            teacher_flops=self._parameters.flops(order, by_teachers),
            student_tokens=sampled_tokens(store, run_id),
            trained_tokens=sum(trained_tokens(adapter) for adapter in students),
            steps=sum(adapter.steps for adapter in students),
            teacher_seconds=asked_seconds(store, run_id),
            student_seconds=sampled_seconds(store, run_id),
            train_seconds=sum(adapter.seconds for adapter in adapters),
            explanations=findings.explanations,
            lessons=findings.lessons,
            adapter=findings.adapter.id if findings.adapter else None,
            accepted=accepted_share(findings),
            calls=findings.calls,
            right=last_exam.right,
        )


def _both_exams(findings: Findings) -> tuple[Accuracy, Accuracy]:
    """The exams before and after training."""
    if findings.before is None or findings.after is None:
        raise UsageError(
            f"run {findings.run} did not examine its student before and after",
            "give the same command again: it goes on from here",
        )
    return findings.before, findings.after


def trained_tokens(adapter: Adapter) -> int:
    """The supervised tokens of a training, those of every epoch counted."""
    epochs: int = json.loads(adapter.settings).get("epochs", 1)
    return epochs * adapter.tokens
