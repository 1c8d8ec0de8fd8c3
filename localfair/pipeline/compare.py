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
from statistics import fmean, stdev
from typing import Any

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.machine.workspace import workspace_dir
from localfair.pipeline.budget import (
    asking_step,
    lesson_step,
    tokens_of,
    with_lessons,
    with_tokens,
)
from localfair.pipeline.orders import Order, RunOptions
from localfair.pipeline.orders import order as order_of
from localfair.pipeline.runs import run
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam
from localfair.record.connection import now
from localfair.record.nouns import Grade, canonical_json, content_id
from localfair.record.store import Row, Store, column
from localfair.report.findings import report, test_exams
from localfair.report.statistics import mean_interval, paired

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


def compare(asked: Asked, *, say: Callable[[str], None], progress: Progress) -> dict[str, Any]:
    """Every variant and seed run, the table, and its row in the record.

    What the record holds is not asked again.
    """
    seeds = len(asked.orders[asked.variants[0]])
    rows: list[Row] = []
    for seed in range(seeds):
        rows += _one_seed(asked, seed, say, progress)
    rows.sort(key=lambda row: asked.variants.index(row["variant"]))
    order = asked.orders[asked.variants[0]][0]
    table = {
        "rows": [_without(row, ("answers",)) for row in rows],
        "summary": [_summary(rows, name) for name in asked.variants],
    }
    lasting = [_without(row, PASSING) for row in table["rows"]]
    identity = content_id("comparison", asked=asked.data(), found=lasting)
    row = {
        "id": identity,
        "task": order.task,
        "asked": canonical_json(asked.data()),
        "found": canonical_json(table),
        "created": now(),
    }
    with Store.open(order.db, create=True) as store:
        store.ensure("comparisons", [row])
    return {"id": identity, "asked": asked.data(), **table}


def _without(row: Row, keys: Sequence[str]) -> Row:
    return {key: value for key, value in row.items() if key not in keys}


def _one_seed(asked: Asked, seed: int, say: Callable[[str], None], progress: Progress) -> list[Row]:
    """The variants with one of the seeds, by its position.

    Those that ask teachers come first: one that asks nobody takes as many questions as the one that
    took most.
    """
    orders = {name: asked.orders[name][seed] for name in asked.variants}
    names = sorted(orders, key=lambda name: asking_step(orders[name].recipe) is None)
    rows: dict[str, Row] = {}
    for name in names:
        order = orders[name]
        say(f"== {name}, seed {order.seed}")
        if asked.lessons:
            order = with_lessons(order, asked.lessons, progress)
        elif asked.budget_tokens:
            most = max(column(rows.values(), "train_questions"), default=None)
            order = with_tokens(order, asked.budget_tokens, most, say, progress)
        run_id = run(order, say=say, progress=progress)
        with Store.open(order.db) as store:
            rows[name] = _row(store, name, order, run_id)
    first = rows[asked.variants[0]]
    for row in rows.values():
        row["against_first"] = None
        if row is not first:
            row["against_first"] = paired(first["answers"], row["answers"])
    return list(rows.values())


def _row(store: Store, name: str, order: Order, run_id: str) -> Row:
    """One variant with one seed: what it cost, what it accepted, and its two exams on test."""
    finding = report(store, run_id)
    generations = store.asked_for(run_id)
    by_mentor = []
    by_teachers = []
    for generation in generations:
        if generation["role"] == "mentor":
            by_mentor.append(generation)
        else:
            by_teachers.append(generation)
    adapters = store.by_ids("adapters", finding["adapters"]).values()
    adapter = finding["adapter"]
    return {
        "variant": name,
        "seed": order.seed,
        "run": run_id,
        "train_questions": len(store.questions(order.task, "train", order.train_limit)),
        "before": finding["before"],
        "after": finding["after"],
        "change": finding["change"],
        "teacher_tokens": sum(map(tokens_of, by_teachers)),
        "written_tokens": sum(column(by_teachers, "completion_tokens")),
        "mentor_tokens": sum(map(tokens_of, by_mentor)),
        "teacher_seconds": sum(column(generations, "seconds")),
        "train_seconds": sum(column(adapters, "seconds")),
        "explanations": finding["explanations"],
        "lessons": finding["lessons"],
        "adapter": adapter["id"] if adapter else None,
        "accepted": _accepted_share(finding),
        "calls": finding["backend_calls"],
        "backend_calls": finding["backend_calls"],
        "answers": test_exams(store, run_id)[-1]["rows"],
    }


def _accepted_share(finding: dict[str, Any]) -> float | None:
    """The share of explanations that was accepted; None where nothing was judged."""
    judged = any(step["stage"] == "review" for step in finding["steps"])
    if not judged or not finding["explanations"]:
        return None
    return float(finding["accepted"] / finding["explanations"])


def _summary(rows: list[Row], name: str) -> Row:
    """Over seeds: the mean accuracy with its spread, and the paired difference, each question's
    mean over seeds.
    """
    own = [row for row in rows if row["variant"] == name]
    first = [row for row in rows if row["variant"] == rows[0]["variant"]]
    before = [row["before"]["accuracy"] for row in own]
    after = [row["after"]["accuracy"] for row in own]
    unreadable = [row["after"]["unreadable"] / row["after"]["questions"] for row in own]
    summary = {
        "variant": name,
        "seeds": len(own),
        "before": fmean(before),
        "after": fmean(after),
        "deviation": stdev(after) if len(after) > 1 else None,
        "lowest": min(after),
        "highest": max(after),
        "unreadable": fmean(unreadable),
        "against_first": _over_seeds(first, own) if own[0] is not first[0] else None,
    }
    for key in ("teacher_tokens", "lessons", "train_questions"):
        summary[key] = fmean(row[key] for row in own)
    return summary


def _over_seeds(first: list[Row], own: list[Row]) -> Row:
    """The difference on the same questions, averaged over seeds before it is resampled over
    questions (ours).
    """
    changes: dict[str, list[float]] = {}
    for base, other in zip(first, own, strict=True):
        was_right = _rights(base)
        for question, is_right in _rights(other).items():
            changes.setdefault(question, []).append(is_right - was_right[question])
    change = [fmean(values) for values in changes.values()]
    # of one seed a question is gained, lost or neither: a comparison of two proportions
    one_seed = own[0]["against_first"]["interval"] if len(own) == 1 else None
    return {
        "difference": fmean(change),
        "interval": one_seed or mean_interval(change),
        "p": [row["against_first"]["p"] for row in own],
    }


def _rights(row: Row) -> dict[str, bool]:
    """By question, whether the answer of the exam after was right."""
    return {answer["question"]: answer["grade"] == Grade.RIGHT for answer in row["answers"]}
