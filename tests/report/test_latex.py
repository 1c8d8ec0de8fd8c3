"""A result as a LaTeX table: what others wrote is set as it stands."""

from dataclasses import replace

import pytest

from localfair.record.store import Store
from localfair.report.findings import latest_run, report
from localfair.report.latex import escaped, table


@pytest.fixture
def findings(finished):
    with Store.open(finished.db) as store:
        return report(store, latest_run(store))


def test_a_table_has_both_exams_the_change_and_its_interval(findings):
    lines = table(findings).splitlines()
    assert any(line.startswith("before & 0/4 & $0.0$ & $[0.0, 49.0]$") for line in lines)
    assert any(line.startswith("change & $+0\\;-0$ & $+0.0$ & $[-49.0, +49.0]$") for line in lines)
    assert sum(line.endswith(r"\\") for line in lines) == 5


def test_a_run_that_sat_no_exam_has_an_empty_table(findings):
    text = table(replace(findings, before=None, after=None, change=None))
    assert "before" not in text and "change" not in text
    assert text.endswith(r"\end{tabular}")


@pytest.mark.parametrize(
    ("name", "set_as"),
    [
        ("a_b & c%", r"a\_b \& c\%"),
        ("\\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("x^2 ~ #1 $y$", r"x\textasciicircum{}2 \textasciitilde{} \#1 \$y\$"),
        ("two\nlines\x1b[2J", r"two\textbackslash{}nlines\textbackslash{}x1b[2J"),
    ],
)
def test_a_name_is_text(name, set_as):
    assert escaped(name) == set_as
