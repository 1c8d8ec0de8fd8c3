"""compare: several recipes, or one with a part left out, on the same task, student and seeds, at an equal budget.

Runs each through the pipeline; reads the record for what it found and what its teachers cost; writes one row, the
comparison. Knows nothing of how a recipe works. A budget is kept by the number of train questions that a variant
takes, the first ones in the task's order; what was asked beyond them stays in the record and enters no lesson.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from localfair.committee.ask import Progress
from localfair.errors import UsageError
from localfair.machine.workspace import workspace_dir
from localfair.pipeline import runs as pipeline
from localfair.pipeline.budget import asked_of, asking_step, lesson_step, with_lessons, with_tokens
from localfair.pipeline.orders import Order
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam
from localfair.record.connection import now
from localfair.record.nouns import Grade, canonical_json, content_id
from localfair.record.store import Row, Store
from localfair.report.findings import report, test_exams
from localfair.report.statistics import mean_interval, paired

# what every variant must share -> the options that say it
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


def variant(text: str) -> tuple[str, tuple[str, ...]]:
    """`fair --set review.enabled=false` as a recipe and its settings. Raises UsageError."""
    try:
        recipe, *rest = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no variant: {error}", 'e.g. "fair --set review.enabled=false"'
        ) from error
    settings = []
    words = iter(rest)
    for word in words:
        name, equals, value = word.partition("=")
        if name != "--set" or not (value := value if equals else next(words, "")):
            raise UsageError(
                f"{text!r}: a variant is a recipe and its --set",
                'e.g. "fair --set review.enabled=false"',
            )
        settings.append(value)
    return recipe, tuple(settings)


def ask(
    variants: Iterable[str], seeds: Sequence[int], *, budget_tokens: int | None = None, lessons: int | None = None,
    settings: tuple[str, ...] = (), **options: Any,
) -> Asked:  # fmt: skip
    """Everything read and checked before anybody is asked. Raises UsageError, RecipeError; see `pipeline.order`.

    `settings` are everybody's whose recipe has the step they name; one that fits nobody is refused.
    """
    names = tuple(variants)
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(
            f"{twice[0]!r} is named twice", "a variant differs from the others in recipe or --set"
        )
    if budget_tokens and lessons:
        raise UsageError(
            "a budget of tokens and one of lessons cannot both be equal", "name one of the two"
        )
    orders: dict[str, tuple[Order, ...]] = {}
    users = {
        s: _users(s, [variant(name)[0] for name in names], options.get("workspace"))
        for s in settings
    }
    for name in names:
        recipe, own = variant(name)
        own = (*(s for s in settings if recipe in users[s]), *own)
        if lessons:
            capped = lesson_step(pipeline.order(recipe=recipe, settings=own, **options).recipe)
            own = (*own, f"{capped}.at_most={lessons}")
        made = (pipeline.order(recipe=recipe, settings=own, seed=seed, **options) for seed in seeds)
        orders[name] = tuple(made)
        _check(name, orders[name][0], orders[names[0]][0])
    return Asked(variants=names, orders=orders, budget_tokens=budget_tokens, lessons=lessons)


def _users(setting: str, recipes: list[str], workspace: Path | None) -> list[str]:
    """The recipes that a common setting is for: those that have its step, or all of them where none has."""
    target, dot, _ = setting.partition("=")[0].strip().partition(".")
    steps = {
        r: {s.id for *_, s in load_recipe(r, workspace or workspace_dir()).sections()}
        for r in recipes
    }
    return [r for r in recipes if not dot or target in steps[r] | {"defaults"}] or recipes


def _check(name: str, order: Order, first: Order) -> None:
    """A variant that can be told apart by its recipe alone, examined on test once before and once after."""
    for part, option in COMMON.items():
        if getattr(order, part) != getattr(first, part):
            raise UsageError(
                f"{name!r} would differ from the first in its {part.replace('_', ' ')} too",
                f"give {option} for all of them",
            )
    exams = [
        s
        for _, s in order.recipe.steps()
        if isinstance(s, Exam) and s.split == "test" and s.role == "student"
    ]
    if len(exams) != 2 or any(e.samples != 1 for e in exams):
        raise UsageError(
            f"{name!r} does not examine its student on test once before and once after, one answer a question",
            "see the steps `before` and `after` of `localfair recipes show fair`",
        )


def compare(asked: Asked, *, say: Callable[[str], None], progress: Progress) -> dict[str, Any]:
    """Every variant and seed run, the table, and its row in the record. What the record holds is not asked again."""
    rows: list[Row] = []
    for at, orders in enumerate(zip(*asked.orders.values(), strict=True)):
        rows += _one_seed(asked, dict(zip(asked.orders, orders, strict=True)), at, say, progress)
    rows.sort(key=lambda row: asked.variants.index(row["variant"]))
    order = asked.orders[asked.variants[0]][0]
    found = {
        "rows": [_shown(row) for row in rows],
        "summary": [_summary(rows, name) for name in asked.variants],
    }
    with Store.open(order.db, create=True) as store:
        identity = content_id("comparison", asked=_asked(asked), found=_lasting(found))
        row = {"id": identity, "task": order.task, "asked": canonical_json(_asked(asked))}
        store.ensure("comparisons", [{**row, "found": canonical_json(found), "created": now()}])
    return {"id": identity, "asked": _asked(asked), **found}


def _one_seed(
    asked: Asked, orders: dict[str, Order], at: int, say: Callable[[str], None], progress: Progress
) -> list[Row]:  # fmt: skip
    """Those that ask teachers first: one that asks nobody takes as many questions as the one that took most."""
    rows: dict[str, Row] = {}
    for name in sorted(orders, key=lambda name: asking_step(orders[name].recipe) is None):
        say(f"== {name}, seed {orders[name].seed}")
        most = max((row["train_questions"] for row in rows.values()), default=None)
        fitted = orders[name]
        if asked.lessons:
            fitted = with_lessons(fitted, asked.lessons, progress)
        elif asked.budget_tokens:
            fitted = with_tokens(fitted, asked.budget_tokens, most, say, progress)
        run = pipeline.run(fitted, say=say, progress=progress)
        with Store.open(fitted.db) as store:
            rows[name] = _row(store, name, fitted, run)
    first = rows[asked.variants[0]]
    for row in rows.values():
        row["against_first"] = (
            paired(first["answers"], row["answers"]) if row is not first else None
        )
    return list(rows.values())


def _row(store: Store, name: str, order: Order, run: str) -> Row:
    """One variant with one seed: what it cost, what it accepted, and its two exams on test."""
    found = report(store, run)
    asked = asked_of(store, run)
    taught = [g for g in asked if g["role"] != "mentor"]
    trained = store.by_ids("adapters", found["adapters"]).values()
    judged = any(step["stage"] == "review" for step in found["steps"])
    return {
        "variant": name, "seed": order.seed, "run": run,
        "train_questions": len(store.questions(order.task, "train", order.train_limit)),
        "before": found["before"], "after": found["after"], "change": found["change"],
        "teacher_tokens": sum(g["prompt_tokens"] + g["completion_tokens"] for g in taught),
        "written_tokens": sum(g["completion_tokens"] for g in taught),
        "mentor_tokens": sum(g["prompt_tokens"] + g["completion_tokens"] for g in asked if g["role"] == "mentor"),
        "teacher_seconds": sum(g["seconds"] for g in asked), "train_seconds": sum(a["seconds"] for a in trained),
        "explanations": found["explanations"], "lessons": found["lessons"],
        "adapter": found["adapter"] and found["adapter"]["id"],
        "accepted": found["accepted"] / found["explanations"] if judged and found["explanations"] else None,
        "backend_calls": found["backend_calls"], "answers": test_exams(store, run)[-1]["rows"],
    }  # fmt: skip


def _shown(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "answers"}


def _summary(rows: list[Row], name: str) -> Row:
    """Over seeds: the mean accuracy with its spread, and the paired difference, each question's mean over seeds."""
    own = [row for row in rows if row["variant"] == name]
    first = [row for row in rows if row["variant"] == rows[0]["variant"]]
    after = [row["after"]["accuracy"] for row in own]
    return {
        "variant": name, "seeds": len(own),
        "before": fmean(row["before"]["accuracy"] for row in own), "after": fmean(after),
        "deviation": stdev(after) if len(after) > 1 else None, "lowest": min(after), "highest": max(after),
        "unreadable": fmean(row["after"]["unreadable"] / row["after"]["questions"] for row in own),
        "against_first": _over_seeds(first, own) if own[0] is not first[0] else None,
        **{key: fmean(row[key] for row in own) for key in ("teacher_tokens", "lessons", "train_questions")},
    }  # fmt: skip


def _over_seeds(first: list[Row], own: list[Row]) -> Row:
    """The difference on the same questions, averaged over seeds before it is resampled over questions (ours)."""
    by_question: dict[str, list[float]] = {}
    for one, other in zip(first, own, strict=True):
        base = {a["question"]: a["grade"] == Grade.RIGHT for a in one["answers"]}
        for a in other["answers"]:
            by_question.setdefault(a["question"], []).append(
                (a["grade"] == Grade.RIGHT) - base[a["question"]]
            )
    change = [fmean(values) for values in by_question.values()]
    return {
        "difference": fmean(change), "interval": mean_interval(change),
        "p": [other["against_first"]["p"] for other in own],
    }  # fmt: skip


def _asked(asked: Asked) -> dict[str, Any]:
    """What decides a comparison, as plain data."""
    orders = asked.orders[asked.variants[0]]
    one = orders[0]
    return {
        "variants": {name: found[0].recipe.model_dump(mode="json") for name, found in asked.orders.items()},
        "seeds": [order.seed for order in orders], "budget_tokens": asked.budget_tokens, "lessons": asked.lessons,
        "task": one.task, "student": one.student, "teachers": list(one.teachers), "reviewers": list(one.reviewers),
        "mentor": one.mentor, "limit": one.train_limit, "test_limit": one.test_limit, "engines": asdict(one.options),
    }  # fmt: skip


def _lasting(found: dict[str, Any]) -> list[Row]:
    """What is the same when the same comparison is made again."""
    passing = {"run", "backend_calls", "train_seconds", "teacher_seconds"}
    return [
        {key: value for key, value in row.items() if key not in passing} for row in found["rows"]
    ]
