"""A report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere.

Pure: what `pipeline.story` gathered in, text out. Every text is escaped where it is written, with
control codes shown as their escapes; the page's own policy forbids whatever might be fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.machine.terminal import one_line, shown
from localfair.record.made import Run
from localfair.record.stories import SourceFile, Story, Usage
from localfair.report.difference import Flip
from localfair.report.figures import WIDTH, Bars, Marks, Plot, bars, intervals, plot
from localfair.report.findings import Findings, seat_name
from localfair.report.reviewers import ReviewersReport
from localfair.report.terms import marks

if TYPE_CHECKING:
    from jinja2 import Environment

GENERATOR = '<meta name="generator" content="localfair">'  # by which a page of ours is known
MOST_LETTERS = 4000  # of a text that is shown
MOST_FLIPS = 50  # of each sort that are shown
TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A model that took part, as which role, and what its card says of it.

    may_train: whether others may be trained on its replies, in a word.
    """

    role: str
    model: str
    licence: str
    terms: str
    may_train: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that a page tells of a run.

    curves: by adapter, (step, loss). stories and usage are of this run; worth is None where nobody
    reviewed. settings and versions: name and value.
    """

    run: Run
    findings: Findings
    flips: list[Flip]
    taught: list[Story]
    rejected: list[Story]
    worth: ReviewersReport | None
    curves: Mapping[str, Sequence[tuple[int, float]]]
    usage: list[Usage]
    licences: list[Licence]
    sources: list[SourceFile]
    settings: Mapping[str, str]
    prompts: Mapping[str, str]
    versions: Mapping[str, str]


def page(material: Material) -> str:
    """The page. It is UTF-8 whatever models wrote."""
    template = _environment().get_template("report.html")
    text = template.render(
        material=material,
        findings=material.findings,
        width=WIDTH,
        generator=GENERATOR,
        story=_story(material.findings),
        exams=_exams(material.findings),
        gained=_flips(material.flips, gained=True),
        lost=_flips(material.flips, gained=False),
        curves=_curves(material.curves),
        areas=_areas(material.worth),
        gates=_gates(material.worth),
        time=bars([_time(use) for use in material.usage]),
        marks=marks(material.findings.licences),
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def is_page(text: str) -> bool:
    """Whether a file is a page of ours; an empty file holds nothing."""
    return not text or GENERATOR in text


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["safe_text"] = _text
    environment.filters["label"] = one_line
    environment.filters["percent"] = lambda share: "-" if share is None else f"{share:.1%}"
    environment.filters["seat"] = seat_name
    environment.filters["short"] = lambda row_id: row_id[:11]
    return environment


def _text(value: object, most: int = MOST_LETTERS) -> str:
    """A text that no control code is in, cut where it is very long, and said to be."""
    text = str(value)
    cut = f" … ({len(text) - most} letters more)" if len(text) > most else ""
    return shown(text[:most]) + cut


def _story(findings: Findings) -> Bars:
    """From questions to lessons, a bar each."""
    counts = [
        ("questions", findings.questions),
        ("mistakes", findings.mistakes),
        ("explanations", findings.explanations),
        ("reviews", findings.reviews),
        ("accepted", findings.accepted),
        ("lessons", findings.lessons),
    ]
    return bars([(name, count, f"{count:,}") for name, count in counts])


def _exams(findings: Findings) -> Marks:
    """The exams before and after on one scale."""
    values = []
    for when, exam in (("before", findings.before), ("after", findings.after)):
        if exam is not None:
            low, high = exam.interval
            words = f"{exam.accuracy:.1%}, 95 % {low:.1%} to {high:.1%}"
            values.append((when, low, exam.accuracy, high, words))
    return intervals(values)


def _flips(flips: Sequence[Flip], *, gained: bool) -> list[Flip]:
    return [flip for flip in flips if flip.gained == gained]


def _curves(curves: Mapping[str, Sequence[tuple[int, float]]]) -> Plot | None:
    lines = []
    for adapter, points in curves.items():
        lines.append((adapter, [(float(step), loss) for step, loss in points]))
    return plot(lines) if any(points for _, points in lines) else None


def _areas(worth: ReviewersReport | None) -> Marks | None:
    """How well each reviewer tells right from wrong, where that can be told."""
    values = []
    for reviewer in worth.reviewers if worth else ():
        area = reviewer.area
        if area.auc is not None and area.auc_interval is not None:
            low, high = area.auc_interval
            words = f"{area.auc:.2f}, 95 % {low:.2f} to {high:.2f}"
            values.append((f"{reviewer.reviewer}", low, area.auc, high, words))
    return intervals(values, "g") if values else None


def _gates(worth: ReviewersReport | None) -> dict[str, Plot]:
    """By mode, precision and coverage over thresholds."""
    plots = {}
    for mode in dict.fromkeys(gate.mode for gate in worth.gate) if worth else ():
        gates = [gate for gate in worth.gate if gate.mode == mode] if worth else []
        precision = [
            (gate.mean_above, gate.precision) for gate in gates if gate.precision is not None
        ]
        coverage = [(gate.mean_above, gate.coverage) for gate in gates]
        plots[mode] = plot([("precision", precision), ("coverage", coverage)], (0.0, 1.0))
    return plots


def _time(use: Usage) -> tuple[str, float, str]:
    return f"{use.stage}, {use.model}", use.seconds, f"{use.seconds:.0f} s"
