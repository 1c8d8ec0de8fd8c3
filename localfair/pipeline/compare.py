"""compare: several recipes, or one with a part left out, on the same task, student and seeds, at an
equal budget.

Runs each through the pipeline; reads the record for what it found and what its teachers cost;
writes one row, the comparison. Knows nothing of how a recipe works. A budget is kept by the number
of train questions that a variant takes, the first ones in the task's order; what was asked beyond
them stays in the record and enters no lesson. It is the whole run's: a run that comes out above it
is made again with fewer questions.
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
from localfair.pipeline import controls
from localfair.pipeline.budget import lesson_step
from localfair.pipeline.comparing import Asked, Comparing, budget_of
from localfair.pipeline.comparison import VariantRun, VariantSummary, summary_of, with_holm
from localfair.pipeline.equal import NO_BUDGET, Equal
from localfair.pipeline.flops import Parameters
from localfair.pipeline.orders import Order, RunOptions
from localfair.pipeline.orders import order as order_of
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam
from localfair.record.comparisons import RecordedComparison, add_comparison
from localfair.record.connection import now
from localfair.record.nouns import canonical_json, content_id
from localfair.record.store import Store

EXAMPLE = 'e.g. "fair --set review.enabled=false"'
# what differs when the same comparison is made again
PASSING = (
    *("run", "calls", "backend_calls"),
    *("train_seconds", "teacher_seconds", "student_seconds"),
)
# what all variants have in common, and the options that say it
COMMON = {
    "task": "--task",
    "student": "--student",
    "test_limit": "--test-limit",
    "options": "--engine, --student-engine, --precision and --batch",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe and the settings it differs in, as the command line names it."""

    recipe: str
    settings: tuple[str, ...]


def variant(text: str) -> Variant:
    """`fair --set review.enabled=false` as a recipe and its settings. Raises UsageError."""
    if text in controls.NAMES:
        return Variant(controls.BASELINE, ())
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
    if recipe in controls.NAMES:
        raise UsageError(
            f"{text!r}: {recipe} takes no --set, it is what it is beside every variant",
            f"name it {recipe} alone; a --set for all variants stands outside the quotes",
        )
    return Variant(recipe, tuple(settings))


def ask(
    variants: Sequence[str],
    seeds: Sequence[int],
    options: RunOptions,
    equal: Equal = NO_BUDGET,
) -> Asked:
    """Everything read and checked before anybody is asked. Raises UsageError, RecipeError.

    The settings of `options` are for every variant whose recipe has the step they name; one that
    fits nobody is refused. `untrained` and `format-only` are variants by name: see `controls`.
    """
    for name in variants:
        if list(variants).count(name) > 1:
            raise UsageError(
                f"{name!r} is named twice", "a variant differs from the others in recipe or --set"
            )
    equal.check()
    parsed = {name: variant(name) for name in variants}
    users = _users(options, [each.recipe for each in parsed.values()])
    orders: dict[str, tuple[Order, ...]] = {}
    for name, each in parsed.items():
        common = [setting for setting in options.settings if each.recipe in users[setting]]
        common += _examined_on(equal.on, each.recipe, options)
        chosen = replace(options, settings=(*common, *each.settings))
        make = controls.control if name in controls.NAMES else order_of
        if equal.lessons and name not in controls.NAMES:
            capped = lesson_step(order_of(each.recipe, chosen).recipe)
            cap = f"{capped}.at_most={equal.lessons}"
            chosen = replace(chosen, settings=(*chosen.settings, cap))
        subject = name if name in controls.NAMES else each.recipe
        orders[name] = tuple(make(subject, replace(chosen, seed=seed)) for seed in seeds)
        _check(name, orders[name][0], orders[variants[0]][0], equal.on)
    asked = Asked(
        variants=tuple(variants),
        orders=orders,
        equal=equal,
    )
    # a budget that cannot be counted is refused before anybody is asked
    budget_of(asked, Parameters())
    return asked


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


def _examined_on(split: str, recipe: str, options: RunOptions) -> list[str]:
    """The settings that ask a recipe's exams before and after its rounds on a split."""
    loaded = load_recipe(recipe, options.workspace or workspace_dir())
    settings = []
    for step in (*loaded.before, *loaded.after):
        if isinstance(step, Exam) and step.split == "test" != split:
            settings.append(f"{step.id}.split={split}")
    return settings


def _check(name: str, order: Order, first: Order, on: str) -> None:
    """A variant that can be told apart by its recipe alone, examined once before and once after."""
    for part, option in COMMON.items():
        if getattr(order, part) != getattr(first, part):
            raise UsageError(
                f"{name!r} would differ from the first in its {part.replace('_', ' ')} too",
                f"give {option} for all of them",
            )
    exams = []
    for number, step in order.recipe.steps():
        chooses = on == "dev" and 0 < number <= order.recipe.rounds
        if isinstance(step, Exam) and step.split == on and step.role == "student" and not chooses:
            exams.append(step)
    if len(exams) != 2 or any(exam.samples != 1 for exam in exams):
        raise UsageError(
            f"{name!r} does not examine its student on {on} once before and once after, "
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
    comparing = Comparing(asked, say, progress)
    rows: list[VariantRun] = []
    for seed in range(seeds):
        rows += comparing.seed(seed)
    rows.sort(key=lambda row: asked.variants.index(row.variant))
    by_variant: dict[str, list[VariantRun]] = {}
    for row in rows:
        by_variant.setdefault(row.variant, []).append(row)
    first = by_variant[asked.variants[0]]
    summary = with_holm([summary_of(runs, first) for runs in by_variant.values()])
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
