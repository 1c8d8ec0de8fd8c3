"""compare: several recipes, or one with a part left out, on the same task, student and seeds, at an
equal budget.

Runs each through the pipeline; reads the record for what it found and what its teachers cost;
writes one row, the comparison. Knows nothing of how a recipe works. A budget is kept by the number
of train questions that a variant takes, the first ones in the task's order; what was asked beyond
them stays in the record and enters no lesson.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.machine.workspace import workspace_dir
from localfair.pipeline.budget import (
    asking_step,
    lesson_step,
    with_lessons,
    with_tokens,
)
from localfair.pipeline.comparison import (
    VariantRun,
    VariantSummary,
    accepted_share,
    summary_of,
)
from localfair.pipeline.orders import Order, RunOptions
from localfair.pipeline.orders import order as order_of
from localfair.pipeline.runs import run
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam
from localfair.record.comparisons import RecordedComparison, add_comparison
from localfair.record.connection import now
from localfair.record.costs import costs_of
from localfair.record.nouns import canonical_json, content_id
from localfair.record.store import Store
from localfair.record.tables import ADAPTERS
from localfair.report.findings import Accuracy, Findings, report, test_exams

EXAMPLE = 'e.g. "fair --set review.enabled=false"'
# what differs when the same comparison is made again
PASSING = ("run", "calls", "backend_calls", "train_seconds", "teacher_seconds")
# what all variants have in common, and the options that say it
COMMON = {
    "task": "--task",
    "student": "--student",
    "test_limit": "--test-limit",
    "options": "--engine, --student-engine, --precision and --batch",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is compared: an order of each variant for each seed, and the budget all of them get."""

    variants: tuple[str, ...]
    orders: dict[str, tuple[Order, ...]]  # one per seed
    budget_tokens: int | None = None
    lessons: int | None = None

    def data(self) -> dict[str, Any]:
        """What decides a comparison, as plain data."""
        orders = self.orders[self.variants[0]]
        first = orders[0]
        recipes = {}
        for name, variant_orders in self.orders.items():
            recipes[name] = variant_orders[0].recipe.model_dump(mode="json")
        return {
            "variants": recipes,
            "seeds": [order.seed for order in orders],
            "budget_tokens": self.budget_tokens,
            "lessons": self.lessons,
            "task": first.task,
            "student": first.student,
            "teachers": list(first.teachers),
            "reviewers": list(first.reviewers),
            "mentor": first.mentor,
            "train_limit": first.train_limit,
            "test_limit": first.test_limit,
            "engines": asdict(first.options),
        }


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe and the settings it differs in, as the command line names it."""

    recipe: str
    settings: tuple[str, ...]


def variant(text: str) -> Variant:
    """`fair --set review.enabled=false` as a recipe and its settings. Raises UsageError."""
    try:
        recipe, *words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no variant: {error}", EXAMPLE) from error
    settings = []
    while words:
        option, equals, value = words.pop(0).partition("=")
        if not equals and words:  # `--set KEY=VALUE` rather than `--set=KEY=VALUE`
            value = words.pop(0)
        if option != "--set" or not value:
            raise UsageError(f"{text!r}: a variant is a recipe and its --set", EXAMPLE)
        settings.append(value)
    return Variant(recipe, tuple(settings))


def ask(
    variants: Sequence[str],
    seeds: Sequence[int],
    options: RunOptions,
    *,
    budget_tokens: int | None = None,
    lessons: int | None = None,
) -> Asked:
    """Everything read and checked before anybody is asked. Raises UsageError, RecipeError.

    The settings of `options` are for every variant whose recipe has the step they name; one that
    fits nobody is refused.
    """
    for name in variants:
        if list(variants).count(name) > 1:
            raise UsageError(
                f"{name!r} is named twice", "a variant differs from the others in recipe or --set"
            )
    if budget_tokens and lessons:
        raise UsageError(
            "a budget of tokens and one of lessons cannot both be equal", "name one of the two"
        )
    parsed = {name: variant(name) for name in variants}
    users = _users(options, [each.recipe for each in parsed.values()])
    orders: dict[str, tuple[Order, ...]] = {}
    for name, each in parsed.items():
        common = [setting for setting in options.settings if each.recipe in users[setting]]
        chosen = replace(options, settings=(*common, *each.settings))
        if lessons:
            capped = lesson_step(order_of(each.recipe, chosen).recipe)
            cap = f"{capped}.at_most={lessons}"
            chosen = replace(chosen, settings=(*chosen.settings, cap))
        orders[name] = tuple(order_of(each.recipe, replace(chosen, seed=seed)) for seed in seeds)
        _check(name, orders[name][0], orders[variants[0]][0])
    return Asked(
        variants=tuple(variants), orders=orders, budget_tokens=budget_tokens, lessons=lessons
    )


def _users(options: RunOptions, recipes: list[str]) -> dict[str, set[str]]:
    """By common setting, the recipes that it is for: those with its step, or all where none has
    it.
    """
    workspace = options.workspace or workspace_dir()
    steps = {recipe: _step_ids(recipe, workspace) for recipe in recipes}
    users: dict[str, set[str]] = {}
    for setting in options.settings:
        key = setting.partition("=")[0].strip()
        target, dot, _ = key.partition(".")
        names_a_step = bool(dot) and target != "defaults"
        having = {recipe for recipe in recipes if not names_a_step or target in steps[recipe]}
        users[setting] = having or set(recipes)
    return users


def _step_ids(recipe: str, workspace: Path) -> set[str]:
    return {step.id for _, _, step in load_recipe(recipe, workspace).sections()}


def _check(name: str, order: Order, first: Order) -> None:
    """A variant that can be told apart by its recipe alone, examined on test once before and
    once after.
    """
    for part, option in COMMON.items():
        if getattr(order, part) != getattr(first, part):
            raise UsageError(
                f"{name!r} would differ from the first in its {part.replace('_', ' ')} too",
                f"give {option} for all of them",
            )
    exams = []
    for _, step in order.recipe.steps():
        if isinstance(step, Exam) and step.split == "test" and step.role == "student":
            exams.append(step)
    if len(exams) != 2 or any(exam.samples != 1 for exam in exams):
        raise UsageError(
            f"{name!r} does not examine its student on test once before and once after, "
            "one answer a question",
            "see the steps `before` and `after` of `localfair recipes show fair`",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was compared and what came out: a row for each variant and seed, in the order of the
    variants, and each variant over seeds.
    """

    id: str
    asked: Asked
    rows: list[VariantRun]
    summary: list[VariantSummary]

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"id": self.id, "asked": self.asked.data(), **_table(self.rows, self.summary)}


def _table(rows: Sequence[VariantRun], summary: Sequence[VariantSummary]) -> dict[str, Any]:
    """What was found, as plain data."""
    return {
        "rows": [row.data() for row in rows],
        "summary": [asdict(variant) for variant in summary],
    }


def compare(asked: Asked, *, say: Callable[[str], None], progress: Progress) -> Comparison:
    """Every variant and seed run, the table, and its row in the record.

    What the record holds is not asked again. Raises UsageError when a run did not examine its
    student before and after.
    """
    seeds = len(asked.orders[asked.variants[0]])
    rows: list[VariantRun] = []
    for seed in range(seeds):
        rows += _one_seed(asked, seed, say, progress)
    rows.sort(key=lambda row: asked.variants.index(row.variant))
    by_variant: dict[str, list[VariantRun]] = {}
    for row in rows:
        by_variant.setdefault(row.variant, []).append(row)
    first = by_variant[asked.variants[0]]
    summary = [summary_of(runs, first) for runs in by_variant.values()]
    lasting = [_without_passing(row) for row in rows]
    identity = content_id("comparison", asked=asked.data(), found=lasting)
    order = asked.orders[asked.variants[0]][0]
    recorded = RecordedComparison(
        id=identity,
        task=order.task,
        asked=canonical_json(asked.data()),
        found=canonical_json(_table(rows, summary)),
        created=now(),
    )
    with Store.open(order.db, create=True) as store:
        add_comparison(store, recorded)
    return Comparison(id=identity, asked=asked, rows=rows, summary=summary)


def _without_passing(row: VariantRun) -> dict[str, Any]:
    """A row as data, without what differs when the same comparison is made again."""
    return {key: value for key, value in row.data().items() if key not in PASSING}


def _one_seed(
    asked: Asked, seed: int, say: Callable[[str], None], progress: Progress
) -> list[VariantRun]:
    """The variants with one of the seeds, by its position.

    Those that ask teachers come first: one that asks nobody takes as many questions as the one that
    took most.
    """
    orders = {name: asked.orders[name][seed] for name in asked.variants}
    names = sorted(orders, key=lambda name: asking_step(orders[name].recipe) is None)
    rows: dict[str, VariantRun] = {}
    for name in names:
        order = orders[name]
        say(f"== {name}, seed {order.seed}")
        if asked.lessons:
            order = with_lessons(order, asked.lessons, progress)
        elif asked.budget_tokens:
            most = max((row.train_questions for row in rows.values()), default=None)
            order = with_tokens(order, asked.budget_tokens, most, say, progress)
        run_id = run(order, say=say, progress=progress)
        with Store.open(order.db) as store:
            rows[name] = _row(store, name, order, run_id)
    first = rows[asked.variants[0]]
    return [row if row is first else row.against(first) for row in rows.values()]


def _row(store: Store, name: str, order: Order, run_id: str) -> VariantRun:
    """One variant with one seed, from its run."""
    findings = report(store, run_id)
    before, after = _both_exams(findings)
    costs = costs_of(store, run_id)
    by_mentor = [cost for cost in costs if cost.role == "mentor"]
    by_teachers = [cost for cost in costs if cost.role != "mentor"]
    adapters = store.get(ADAPTERS, findings.adapters).values()
    *_, last_exam = test_exams(store, run_id, store.steps(run_id))
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
        teacher_seconds=sum(cost.seconds for cost in costs),
        train_seconds=sum(adapter.seconds for adapter in adapters),
        explanations=findings.explanations,
        lessons=findings.lessons,
        adapter=findings.adapter.id if findings.adapter else None,
        accepted=accepted_share(findings),
        calls=findings.calls,
        right=last_exam.right,
    )


def _both_exams(findings: Findings) -> tuple[Accuracy, Accuracy]:
    """The exams on test before and after training."""
    if findings.before is None or findings.after is None:
        raise UsageError(
            f"run {findings.run} did not examine its student on test before and after",
            "give the same command again: it goes on from here",
        )
    return findings.before, findings.after
