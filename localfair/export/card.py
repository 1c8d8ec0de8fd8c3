"""A model card in Hugging Face's form: what the student is, who taught it on what terms, and what it can do.

Reads a run's report and the model cards of everyone in it; writes one text. Judges no licence: it says what the
cards say, `unverified` included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.export.lessons import as_lines, kept
from localfair.export.student import adapter_row, run_row
from localfair.machine.files import whole
from localfair.models.card import UNVERIFIED, Card
from localfair.models.registry import find_card
from localfair.record.store import Row, Store
from localfair.report.findings import report


def write(store: Store, run: str | None, workspace: Path, out: Path) -> Path:
    """The card of a run's student at `<out>/README.md`."""
    text = card(store, run, workspace)
    with whole(out / "README.md") as part:
        part.write_text(text, encoding="utf-8")
    return out / "README.md"


def card(store: Store, run: str | None, workspace: Path) -> str:
    """The text. Raises UsageError for a run that is not there or trained no student."""
    head = run_row(store, run)
    adapter, found = adapter_row(store, head), report(store, head["id"])
    settings = json.loads(head["settings"])
    base = _card(settings["student"], workspace)
    parts = [
        _front(base, settings["student"], found),
        _about(head, found, settings, base, adapter),
        _teachers(settings, workspace),
        _lessons(store, head),
        _results(found),
        _exports(store, adapter),
    ]
    return "\n".join(part for part in parts if part)


def _card(name: str, workspace: Path) -> Card | None:
    """What is known of a model; None for a script, or weights that are gone."""
    try:
        return None if name.endswith(".script.toml") else find_card(name, workspace)
    except ModelError:
        return None


def _title(name: str, known: Card | None) -> str:
    return known.name if known else Path(name).name.removesuffix(".toml").removesuffix(".script")


def _front(base: Card | None, student: str, found: Row) -> str:
    """The YAML that Hugging Face reads; a JSON text is YAML too, so every value is quoted as JSON."""
    repositories = [source.repo for source in base.sources if source.repo] if base else []
    licence = base.licence.lower() if base and base.licence != UNVERIFIED else "unknown"
    lines = {
        "base_model": repositories[0] if repositories else _title(student, base),
        "license": licence, "library_name": "peft", "pipeline_tag": "text-generation",
        "tags": ["localfair", "distillation", "lora", found["recipe"]], "model-index": _index(student, base, found),
    }  # fmt: skip
    return "\n".join(
        [
            "---",
            *(f"{key}: {json.dumps(value)}" for key, value in lines.items() if value),
            "---",
            "",
        ]
    )


def _index(student: str, base: Card | None, found: Row) -> list[Row]:
    if not found["after"]:
        return []
    data = {"name": found["task"], "type": found["task"], "split": "test"}
    metric = {"type": "accuracy", "value": found["after"]["accuracy"], "name": "accuracy, greedy"}
    result = {"task": {"type": "text-generation"}, "dataset": data, "metrics": [metric]}
    return [{"name": f"{_title(student, base)} taught by {found['recipe']}", "results": [result]}]


def _about(head: Row, found: Row, settings: dict[str, Any], base: Card | None, adapter: Row) -> str:
    name, how = _title(settings["student"], base), json.loads(adapter["settings"])
    paper = json.loads(head["effective"]).get("paper")
    method = f"`{found['recipe']}` ({paper})" if paper else f"`{found['recipe']}`"
    said = {
        "quantise": "base in",
        "rank": "rank",
        "alpha": "alpha",
        "learning_rate": "learning rate",
    }
    training = [f"{word} {how[key]}" for key, word in said.items() if key in how]
    rows = {
        "base": f"{name}, `{adapter['base']}`",
        "base's licence": base.licence if base else UNVERIFIED,
        "adapter": f"`{adapter['id']}`, weights `sha256:{adapter['sha256']}`",
        "training": ", ".join([*training, f"{adapter['steps']} steps", f"seed {head['seed']}"]),
        "run": f"`{head['id']}`, {head['started'][:10]}, localfair {json.loads(head['versions']).get('localfair', '')}",
    }
    return "\n".join(
        [
            f"# {name}, taught by {found['recipe']} on {found['task']}",
            "",
            f"A LoRA adapter made by localfair with the recipe {method}.",
            "",
            "| | |",
            "|---|---|",
            *(f"| {key} | {value} |" for key, value in rows.items()),
            "",
        ]
    )


def _teachers(settings: dict[str, Any], workspace: Path) -> str:
    """Everyone whose words are in the lessons or decided about them, with the licence and its terms for outputs."""
    seats = [(role[:-1], name) for role in ("teachers", "reviewers") for name in settings[role]]
    seats += [("mentor", settings["mentor"])] if settings["mentor"] else []
    if not seats:
        return ""
    rows = []
    for role, name in dict.fromkeys(seats):
        known = _card(name, workspace)
        licence, terms = (known.licence, known.output_terms) if known else (UNVERIFIED, UNVERIFIED)
        rows.append(
            f"| {role} | {_title(name, known)} | {seats.count((role, name))} | {licence} | {terms} |"
        )
    head = [
        "## Teachers and their terms",
        "",
        "| role | model | seats | licence | terms for outputs |",
        "|---|---|--:|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _lessons(store: Store, head: Row) -> str:
    lessons = kept(store, head["id"])
    if not lessons:
        return ""
    digest = hashlib.sha256(as_lines(store, head["id"]).encode()).hexdigest()
    kinds = ", ".join(
        f"{sum(x['kind'] == k for x in lessons)} {k}" for k in sorted({x["kind"] for x in lessons})
    )
    return f"## Lessons\n\n{len(lessons)} ({kinds}); sha256 of `localfair export lessons`: `{digest}`\n"


def _results(found: Row) -> str:
    """Before and after on the same test questions, greedy as the recipe asks, with 95 % intervals."""
    exams = [(when, found[when]) for when in ("before", "after") if found[when]]
    if not exams:
        return ""
    lines = [
        "## Results",
        "",
        f"Test questions of `{found['task']}`, each asked once.",
        "",
        "| | right | accuracy | 95 % |",
    ]
    lines += ["|---|--:|--:|---|"]
    lines += [
        f"| {when} | {a['right']} of {a['questions']} | {a['accuracy']:.1%} | {_span(a)} |"
        for when, a in exams
    ]
    if change := found["change"]:
        lines += ["", f"Change {change['difference']:+.1%}, 95 % {_span(change)}, on the same questions: gained "
                  f"{change['gained']}, lost {change['lost']}, exact McNemar p = {change['p']:.2g}."]  # fmt: skip
    return "\n".join([*lines, ""])


def _span(a: Row) -> str:
    return f"{a['interval'][0]:.1%} to {a['interval'][1]:.1%}"


def _exports(store: Store, adapter: Row) -> str:
    """What was exported of this adapter, and how it compares with the trained student."""
    rows = store.rows(
        "SELECT e.format, e.sha256, p.* FROM exports e LEFT JOIN parities p ON p.export = e.id "
        "WHERE e.adapter = ? ORDER BY e.format, p.created",
        adapter["id"],
    )
    return "\n".join(["## Exports", "", *_exported(rows), ""]) if rows else ""


def _exported(rows: Iterable[Row]) -> Iterable[str]:
    yield "| form | sha256 | parity: same grade | same text |"
    yield "|---|---|---|---|"
    for row in rows:
        grade, text = (
            (f"{row['same_grade']} of {row['questions']} ({row['split']})", f"{row['same_text']} of {row['questions']}")
            if row["id"] else ("not examined", "")
        )  # fmt: skip
        yield f"| {row['format']} | `{row['sha256']}` | {grade} | {text} |"
