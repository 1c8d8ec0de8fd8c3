"""A model card in Hugging Face's form: who the student is, who taught it, what it can do.

Reads a run's report and the model cards of everyone in it; writes one text. Judges no licence:
it says what the cards say, `unverified` included.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from localfair.errors import ModelError
from localfair.export.lessons import as_json_lines
from localfair.export.markdown import code, escaped, yaml
from localfair.export.names import export_name
from localfair.export.once import Destination, write_files
from localfair.export.student import last_adapter
from localfair.export.terms import hub_licence, section
from localfair.models.card import UNVERIFIED, Card
from localfair.models.registry import find_card
from localfair.record.exports import Examined, exports_of
from localfair.record.lessons import kept_lessons
from localfair.record.licences import Ledger
from localfair.record.made import Adapter, Run
from localfair.record.resolving import Wanted
from localfair.record.runs import RunSettings, settings_of
from localfair.record.store import Store
from localfair.report.findings import Accuracy, Findings, find_run, report
from localfair.report.statistics import Interval

OUR_TAGS = ("localfair", "distillation", "lora")
# a training setting of the adapter -> its words in the card
TRAINING_WORDS = {
    "quantise": "base in",
    "rank": "rank",
    "alpha": "alpha",
    "learning_rate": "learning rate",
}


def write(store: Store, run: str | None, workspace: Path, out: Destination) -> Path:
    """Write the card of a run's student to `<out>/<name>-card/README.md`, and return that path.

    Raises what `card` raises, DiskFull, and UsageError when another card stands there.
    """
    text = card(store, run, workspace)
    trained_by = find_run(store, run, Wanted.STUDENT)
    name = export_name(settings_of(trained_by).student, trained_by.recipe, trained_by.id)
    folder = out.folder / f"{name}-card"
    write_files(folder, {"README.md": text.encode("utf-8", "replace")}, out.force)
    return folder / "README.md"


def card(store: Store, run: str | None, workspace: Path) -> str:
    """The card's text.

    Raises UsageError when there is no such run, or when it trained no student.
    """
    trained_by = find_run(store, run, Wanted.STUDENT)
    adapter = last_adapter(store, trained_by)
    findings = report(store, trained_by.id)
    settings = settings_of(trained_by)
    base = _known_card(settings.student, workspace)
    title = _title(settings.student, base)
    sections = [
        _front_matter(title, base, findings),
        _about(title, base, trained_by, adapter),
        _teachers(settings, findings.licences, workspace),
        "\n".join(section(findings.licences)),
        _lessons(store, trained_by.id),
        _results(findings),
        _exports(store, adapter.id),
    ]
    return "\n".join(section for section in sections if section)


def _known_card(model: str, workspace: Path) -> Card | None:
    """A model's card; None for a script, and for weights that are no longer here."""
    if model.endswith(".script.toml"):
        return None
    try:
        return find_card(model, workspace)
    except ModelError:
        return None


def _title(model: str, known: Card | None) -> str:
    """The name of a model: its card's, else that of its file."""
    if known is not None:
        return known.name
    return Path(model).name.removesuffix(".toml").removesuffix(".script")


def _table(head: str, rule: str, rows: Iterable[str]) -> list[str]:
    """The lines of a Markdown table."""
    return [head, rule, *rows]


def _front_matter(title: str, base: Card | None, findings: Findings) -> str:
    """The YAML block that Hugging Face reads. Values are written as JSON, which YAML reads too."""
    fields = {
        "base_model": _base_model(title, base),
        **hub_licence(findings.licences, base),
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": [*OUR_TAGS, findings.recipe],
        "model-index": _model_index(title, findings),
        "licences": findings.licences.as_data(),
    }
    lines = [f"{key}: {yaml(value)}" for key, value in fields.items() if value]
    return "\n".join(["---", *lines, "---", ""])


def _base_model(title: str, base: Card | None) -> str:
    """The base's first repository on Hugging Face, else its name."""
    sources = base.sources if base else ()
    repositories = [source.repo for source in sources if source.repo]
    return repositories[0] if repositories else title


def _model_index(title: str, findings: Findings) -> list[dict[str, Any]]:
    """The accuracy after training as a `model-index`; empty for a run without that exam."""
    exam = findings.after
    if not exam:
        return []
    task = findings.task
    result = {
        "task": {"type": "text-generation"},
        "dataset": {"name": task, "type": task, "split": "test"},
        "metrics": [{"type": "accuracy", "value": exam.accuracy, "name": "accuracy, greedy"}],
    }
    return [{"name": f"{title} taught by {findings.recipe}", "results": [result]}]


def _about(title: str, base: Card | None, run: Run, adapter: Adapter) -> str:
    recipe = run.recipe
    paper = json.loads(run.effective).get("paper")
    method = f"{code(recipe)} ({escaped(paper)})" if paper else code(recipe)
    version = json.loads(run.versions).get("localfair", "")
    facts = {
        "base": f"{escaped(title)}, {code(adapter.base)}",
        "base's licence": escaped(base.licence if base else UNVERIFIED),
        "adapter": f"{code(adapter.id)}, weights {code('sha256:' + adapter.sha256)}",
        "training": escaped(_training(run, adapter)),
        "run": f"{code(run.id)}, {run.started[:10]}, localfair {escaped(version)}",
    }
    rows = [f"| {fact} | {value} |" for fact, value in facts.items()]
    lines = [
        f"# {escaped(title)}, taught by {escaped(recipe)} on {escaped(run.task)}",
        "",
        f"A LoRA adapter made by localfair with the recipe {method}.",
        "",
        *_table("| | |", "|---|---|", rows),
        "",
    ]
    return "\n".join(lines)


def _training(run: Run, adapter: Adapter) -> str:
    settings = json.loads(adapter.settings)
    facts = [f"{words} {settings[key]}" for key, words in TRAINING_WORDS.items() if key in settings]
    facts += [f"{adapter.steps} steps", f"seed {run.seed}"]
    return ", ".join(facts)


def _teachers(settings: RunSettings, ledger: Ledger, workspace: Path) -> str:
    """Every model that wrote lessons or judged them, its licence and its terms for outputs.

    What a card said when the run began goes before what one says now.
    """
    then = {(terms.role, terms.model): terms for terms in ledger.models}
    seats = [("teacher", name) for name in settings.teachers]
    seats += [("reviewer", name) for name in settings.reviewers]
    if settings.mentor:
        seats.append(("mentor", settings.mentor))
    if not seats:
        return ""
    rows = []
    for (role, model), count in Counter(seats).items():
        known = _known_card(model, workspace)
        title = _title(model, known)
        licence = known.licence if known else UNVERIFIED
        outputs = known.output_terms if known else UNVERIFIED
        terms = then.get((role, title))
        if terms is not None:
            licence, outputs = terms.licence, terms.outputs
        words = f"{escaped(licence)} | {escaped(outputs)}"
        rows.append(f"| {role} | {escaped(title)} | {count} | {words} |")
    table = _table(
        "| role | model | seats | licence | terms for outputs |", "|---|---|--:|---|---|", rows
    )
    return "\n".join(["## Teachers and their terms", "", *table, ""])


def _lessons(store: Store, run: str) -> str:
    """How many lessons the run kept, of which kinds, and the hash of their export."""
    lessons = kept_lessons(store, run)
    if not lessons:
        return ""
    digest = hashlib.sha256(as_json_lines(store, run).encode()).hexdigest()
    counts = Counter(lesson.kind for lesson in lessons)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    own = sum(lesson.own for lesson in lessons)
    if own:
        kinds += f", {own} of them the student's own"
    return (
        "## Lessons\n\n"
        f"{len(lessons)} ({kinds}); sha256 of `localfair export lessons`: `{digest}`\n"
    )


def _results(findings: Findings) -> str:
    """Both exams on the same test questions, and the change, with 95 % intervals."""
    rows = []
    if findings.before:
        rows.append(_exam("before", findings.before))
    if findings.after:
        rows.append(_exam("after", findings.after))
    if not rows:
        return ""
    lines = [
        "## Results",
        "",
        f"Test questions of {code(findings.task)}, each asked once.",
        "",
        *_table("| | right | accuracy | 95 % |", "|---|--:|--:|---|", rows),
    ]
    change = findings.change
    if change:
        lines.append("")
        lines.append(
            f"Change {change.difference:+.1%}, 95 % {_span(change.interval)}, on the same questions: "
            f"gained {change.gained}, lost {change.lost}, "
            f"exact McNemar p = {change.p:.2g}."
        )
        if change.note:
            lines.append(f"Of {change.note}.")
    return "\n".join([*lines, ""])


def _exam(when: str, exam: Accuracy) -> str:
    right = f"{exam.right} of {exam.questions}"
    return f"| {when} | {right} | {exam.accuracy:.1%} | {_span(exam.interval)} |"


def _span(interval: Interval) -> str:
    low, high = interval
    return f"{low:.1%} to {high:.1%}"


def _exports(store: Store, adapter: str) -> str:
    """What was exported of this adapter, and how each export compares with the trained student."""
    exports = exports_of(store, adapter)
    if not exports:
        return ""
    rows = [_export(export) for export in exports]
    table = _table("| form | sha256 | parity: same grade | same text |", "|---|---|---|---|", rows)
    return "\n".join(["## Exports", "", *table, ""])


def _export(export: Examined) -> str:
    same_grade = "not examined"
    same_text = ""
    if export.questions is not None:
        same_grade = f"{export.same_grade} of {export.questions} ({export.split})"
        same_text = f"{export.same_text} of {export.questions}"
    return f"| {escaped(export.format)} | {code(export.sha256)} | {same_grade} | {same_text} |"
