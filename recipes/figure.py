"""Draw what a record holds: `python recipes/figure.py accuracy|comparison RECORD FOLDER [ID]`, or what
a file of grades does (see `grades.py`): `python recipes/figure.py grades FILE.csv FOLDER TITLE [VARIANT...]`.

`accuracy`: the newest run that sat an exam before training and one after. `comparison`: the newest
comparison, each variant with each seed. ID, or its beginning, names another. Writes NAME-light.svg and
NAME-dark.svg into the folder; a file of grades gives them its own name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from grades import accuracy, chosen  # beside this script

from localfair.errors import LocalfairError
from localfair.pipeline.comparison import Recorded, recorded
from localfair.pipeline.equal import Equal
from localfair.record.resolving import resolve
from localfair.record.store import Store
from localfair.report.figures import WIDTH, intervals
from localfair.report.findings import Accuracy, Findings, report

TOP = 48  # of the figure, under its title
EDGE = 12  # around it
USAGE = (
    "usage: python recipes/figure.py accuracy|comparison RECORD FOLDER [ID] | "
    "grades FILE.csv FOLDER TITLE [VARIANT...]"
)
LETTERS = 55  # of a title that fit
COLOURS = {  # text, quiet text, grid, accent, background
    "light": ("#1b1f24", "#57606a", "#d0d7de", "#0b5cad", "#ffffff"),
    "dark": ("#e6edf3", "#9aa7b4", "#39424d", "#6cb6ff", "#0d1117"),
}
FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn: exams, one under another, each with its label; `origin` says where from."""

    title: str
    measure: str
    exams: list[tuple[str, Accuracy]]
    origin: str


def of_run(findings: Findings) -> Drawing:
    """A run's exams before and after."""
    sat = (("before", findings.before), ("after", findings.after))
    return Drawing(
        title=f"{findings.recipe} on {findings.task}",
        measure="accuracy of the student, 95 % intervals",
        exams=[(when, exam) for when, exam in sat if exam is not None],
        origin=f"run {findings.run}, seed {findings.seed}",
    )


def of_comparison(found: Recorded) -> Drawing:
    """The untrained student, and each variant's after training."""
    runs = found.variant_runs()
    seeds = sorted({run.seed for run in runs})
    exams = [("untrained", runs[0].before)]
    for run in runs:
        label = run.variant if len(seeds) == 1 else f"{run.variant} {run.seed}"
        exams.append((label, run.after))
    return Drawing(
        title=f"{found.asked['task']}, {_each(found.equal())}",
        measure=f"accuracy after training, on {found.equal().on}, 95 % intervals",
        exams=exams,
        origin=f"comparison {found.id}, seeds {', '.join(str(seed) for seed in seeds)}",
    )


def _each(equal: Equal) -> str:
    """What every variant gets as much of."""
    for amount, unit in (
        (equal.tokens, "teacher tokens"),
        (equal.flops, "teacher FLOPs"),
        (equal.lessons, "lessons"),
    ):
        if amount:
            return f"{amount:,} {unit} each"
    return "no budget"


def of_grades(path: Path, title: str, *variants: str) -> Drawing:
    """The exams of a file of grades: of these variants, or of all. Ends the program as `chosen` does."""
    exams = []
    for variant, seeds in chosen(path, *variants).items():
        for seed, grades in sorted(seeds.items()):
            label = variant if len(seeds) == 1 else f"{variant} {seed}"
            exams.append((label, accuracy(grades)))
    return Drawing(
        title=title,
        measure="accuracy after training, 95 % intervals",
        exams=exams,
        origin=f"the grades in {path.name}",
    )


def drawn_run(store: Store, run_id: str | None) -> Drawing:
    """Of a run, or of the newest that sat both exams. Ends the program where there is none.

    Raises UsageError where no run has that id.
    """
    runs = store.first_column("SELECT id FROM runs WHERE status = 'done' ORDER BY rowid DESC")
    if run_id is not None:
        runs = [resolve(store, run_id, ["run"]).id]
    for run in runs:
        findings = report(store, run)
        if findings.before is not None and findings.after is not None:
            return of_run(findings)
    sys.exit("error: no run of this record sat an exam before and after training")


def drawn_comparison(store: Store, comparison_id: str | None) -> Drawing:
    """Of a comparison, or of the newest. Raises UsageError where there is none."""
    return of_comparison(recorded(store, comparison_id))


def drawn(drawing: Drawing, scheme: str) -> str:
    """The figure as SVG, with its numbers as a description."""
    text, quiet, grid, accent, background = COLOURS[scheme]
    values = []
    for label, exam in drawing.exams:
        low, high = exam.interval
        shown = f"{exam.accuracy:.1%} [{low:.1%}, {high:.1%}]"
        values.append((label, low, exam.accuracy, high, shown))
    marks = intervals(values)
    width = WIDTH + 2 * EDGE
    height = TOP + marks.height + 2 * EDGE
    numbers = "; ".join(f"{mark.label} {mark.shown}" for mark in marks.marks)
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{-EDGE} {-EDGE} {width} {height}' "
        f"role='img' width='{width}' height='{height}' {FONT} font-size='13' aria-labelledby='title numbers'>",
        f"<title id='title'>{escape(drawing.title)}: {escape(drawing.measure)}</title>",
        f"<desc id='numbers'>{escape(numbers)}; {escape(drawing.origin)}</desc>",
        f"<rect x='{-EDGE}' y='{-EDGE}' width='{width}' height='{height}' fill='{background}'/>",
        f"<text x='0' y='16' fill='{text}' font-weight='600'>{escape(drawing.title[:LETTERS])}</text>",
        f"<text x='0' y='34' fill='{quiet}'>{escape(drawing.measure)}</text>",
        f"<g transform='translate(0 {TOP})'>",
    ]
    for x, words in marks.ticks:
        lines += [
            f"<line x1='{x}' x2='{x}' y1='0' y2='{marks.height - 22}' stroke='{grid}'/>",
            f"<text x='{x}' y='{marks.height - 6}' fill='{quiet}' text-anchor='middle'>{words}</text>",
        ]
    for mark in marks.marks:
        y = mark.y + 28
        lines += [
            f"<text x='0' y='{mark.y + 32}' fill='{text}'>{escape(mark.label)}</text>",
            f"<text x='118' y='{mark.y + 14}' fill='{text}' stroke='{background}' stroke-width='4' "
            f"paint-order='stroke'>{escape(mark.shown)}</text>",
            f"<line x1='{mark.low}' x2='{mark.high}' y1='{y}' y2='{y}' stroke='{accent}' stroke-width='3'/>",
            f"<circle cx='{mark.value}' cy='{y}' r='5' fill='{accent}'/>",
        ]
    return "\n".join([*lines, "</g>", "</svg>", ""])


FIGURES = {"accuracy": drawn_run, "comparison": drawn_comparison}


def write(name: str, drawing: Drawing, folder: Path) -> None:
    """Write the figure of both schemes into a folder. Ends the program where that cannot be."""
    for scheme in COLOURS:
        target = folder / f"{name}-{scheme}.svg"
        try:
            target.write_text(drawn(drawing, scheme), encoding="utf-8")
        except OSError as error:
            sys.exit(f"error: cannot write to {folder}: {error.strerror}")
        print(target)


def main(name: str, record: str, folder: str, wanted: str | None = None) -> None:
    """Draw what a record holds: the run or comparison that is wanted, or the newest of its kind."""
    try:
        with Store.open(record) as store:
            drawing = FIGURES[name](store, wanted)
    except LocalfairError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")
    write(name, drawing, Path(folder))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["grades", file, folder, title, *variants]:
            write(Path(file).stem, of_grades(Path(file), title, *variants), Path(folder))
        case [name, record, folder, *wanted] if name in FIGURES and len(wanted) < 2:
            main(name, record, folder, *wanted)
        case _:
            sys.exit(USAGE)
