"""Draw a run's exams before and after training: `python recipes/quickstart/figure.py RECORD FOLDER`.

Reads the newest run of the record that sat both exams; writes `accuracy-light.svg` and
`accuracy-dark.svg` into the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

from localfair.errors import LocalfairError
from localfair.record.store import Store
from localfair.report.figures import WIDTH, Marks, intervals
from localfair.report.findings import Findings, report

TOP = 48  # of the figure, under its title
EDGE = 12  # around it
LETTERS = 55  # of a title that fit
COLOURS = {  # text, quiet text, grid, accent, background
    "light": ("#1b1f24", "#57606a", "#d0d7de", "#0b5cad", "#ffffff"),
    "dark": ("#e6edf3", "#9aa7b4", "#39424d", "#6cb6ff", "#0d1117"),
}
FONT = "font-family='system-ui, sans-serif'"


def findings_of(store: Store) -> Findings:
    """What the newest run found that sat an exam before and one after."""
    for run in store.first_column("SELECT id FROM runs WHERE status = 'done' ORDER BY rowid DESC"):
        findings = report(store, run)
        if findings.before is not None and findings.after is not None:
            return findings
    sys.exit("error: no run of this record sat an exam before and after training")


def drawn(findings: Findings, scheme: str) -> str:
    """The figure as SVG, with its numbers as a description."""
    text, quiet, grid, accent, background = COLOURS[scheme]
    marks = exams(findings)
    width = WIDTH + 2 * EDGE
    height = TOP + marks.height + 2 * EDGE
    title = f"{findings.recipe} on {findings.task}"
    measure = "accuracy of the student, 95 % intervals"
    numbers = "; ".join(f"{mark.label} {mark.shown}" for mark in marks.marks)
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{-EDGE} {-EDGE} {width} {height}' "
        f"role='img' width='{width}' height='{height}' {FONT} font-size='13' aria-labelledby='title numbers'>",
        f"<title id='title'>{escape(title)}: {measure}</title>",
        f"<desc id='numbers'>{escape(numbers)}; run {findings.run}, seed {findings.seed}</desc>",
        f"<rect x='{-EDGE}' y='{-EDGE}' width='{width}' height='{height}' fill='{background}'/>",
        f"<text x='0' y='16' fill='{text}' font-weight='600'>{escape(title[:LETTERS])}</text>",
        f"<text x='0' y='34' fill='{quiet}'>{measure}</text>",
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


def exams(findings: Findings) -> Marks:
    """Both exams on one scale."""
    values = []
    for when, exam in (("before", findings.before), ("after", findings.after)):
        if exam is not None:
            low, high = exam.interval
            words = f"{exam.accuracy:.1%} [{low:.1%}, {high:.1%}]"
            values.append((when, low, exam.accuracy, high, words))
    return intervals(values)


def write(findings: Findings, folder: Path) -> None:
    """Write the figure of both schemes into a folder. Ends the program where that cannot be."""
    for scheme in COLOURS:
        target = folder / f"accuracy-{scheme}.svg"
        try:
            target.write_text(drawn(findings, scheme), encoding="utf-8")
        except OSError as error:
            sys.exit(f"error: cannot write to {folder}: {error.strerror}")
        print(target)


def main(record: str, folder: str) -> None:
    """Draw the newest run that can be drawn."""
    try:
        with Store.open(record) as store:
            findings = findings_of(store)
    except LocalfairError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")
    write(findings, Path(folder))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python recipes/quickstart/figure.py RECORD FOLDER")
    main(*sys.argv[1:])
