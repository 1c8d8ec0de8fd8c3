"""A run's result as a table for a paper: LaTeX with booktabs.

Pure: findings in, text out. Names that others chose are escaped.
"""

from __future__ import annotations

import re

from localfair.machine.terminal import shown_in_line
from localfair.report.findings import Accuracy, Findings
from localfair.report.statistics import Interval

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "{}$&#%_"},
}
ESCAPED = re.compile(r"[\\~^{}$&#%_]")
HEAD = r"""% needs \usepackage{booktabs}
\begin{tabular}{lrrl}
\toprule"""
FOOT = r"""\bottomrule
\end{tabular}"""


def escaped(text: str) -> str:
    """A text that LaTeX sets as it stands."""
    return ESCAPED.sub(lambda match: SPECIAL[match[0]], shown_in_line(text))


def table(findings: Findings) -> str:
    """The exams on test before and after, and the change between them.

    An exam that was not sat has no line.
    """
    title = f"{escaped(findings.recipe)} on {escaped(findings.task)}"
    lines = [
        f"% run {escaped(findings.run)}, seed {findings.seed}",
        HEAD,
        rf"{title} & right & accuracy & 95\,\% interval \\",
        r"\midrule",
    ]
    if findings.before:
        lines.append(_exam("before", findings.before))
    if findings.after:
        lines.append(_exam("after", findings.after))
    change = findings.change
    if change:
        counts = f"$+{change.gained}\\;-{change.lost}$"
        difference = f"${100 * change.difference:+.1f}$"
        lines.append(r"\midrule")
        lines.append(rf"change & {counts} & {difference} & {_span(change.interval, '+.1f')} \\")
        lines.append(rf"\multicolumn{{4}}{{l}}{{exact McNemar $p = {change.p:.2g}$}} \\")
    return "\n".join([*lines, FOOT])


def _exam(when: str, exam: Accuracy) -> str:
    right = f"{exam.right}/{exam.questions}"
    return rf"{when} & {right} & ${100 * exam.accuracy:.1f}$ & {_span(exam.interval, '.1f')} \\"


def _span(interval: Interval, form: str) -> str:
    low, high = interval
    return f"$[{100 * low:{form}}, {100 * high:{form}}]$"
