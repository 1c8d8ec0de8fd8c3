"""`localfair compare`: what cannot be compared is refused with options that exist."""

import json
from dataclasses import asdict

import click
import pytest

from localfair.cli.compare import compare, lines
from localfair.pipeline.compare import Comparison
from localfair.pipeline.comparing import Asked
from localfair.pipeline.comparison import VariantRun, summary_of
from localfair.pipeline.equal import Equal
from localfair.record.comparisons import RecordedComparison, add_comparison
from localfair.record.store import Store
from localfair.report.findings import Accuracy
from localfair.report.statistics import Change
from tests.cli.conftest import seats

EXAM = Accuracy(
    step="before", right=2, questions=4, accuracy=0.5, interval=(0.25, 0.75), unreadable=1
)
CHANGE = Change(
    questions=4,
    gained=1,
    lost=0,
    difference=0.25,
    interval=(0.0, 0.5),
    p=0.5,
    note="4 questions",
)


def refused(desk, *args):
    said = desk.says("compare", *args)
    assert (said.code, said.out) == (2, "")
    return said.error, said.hint


def recipe_with(desk, **defaults):
    """A copy of FAIR, `mine`, with defaults of its own."""
    desk.says("recipes", "copy", "fair", "mine")
    path = desk.folder / "recipes" / "mine" / "recipe.toml"
    values = "\n".join(f"{key} = {value!r}" for key, value in defaults.items())
    path.write_text(f"{path.read_text()}\n[defaults]\n{values}\n")


@pytest.mark.parametrize(
    ("default", "differs", "hint"),
    [
        ({"test_limit": 2}, "test limit", "give --test-limit for all of them"),
        (
            {"engine": "llama_cpp"},
            "options",
            "give --engine, --student-engine, --precision and --batch for all of them",
        ),
    ],
)
def test_variants_that_differ_in_more_than_the_recipe_are_told_which_options(
    desk, default, differs, hint
):
    recipe_with(desk, **default)
    command = (*seats("anna", "bert"), "--task", "arithmetic-1", "fair", "mine")
    error, advice = refused(desk, *command)
    assert error == f"'mine' would differ from the first in its {differs} too"
    assert advice == hint
    options = {name for parameter in compare.params for name in parameter.opts}
    assert {word.rstrip(",") for word in advice.split() if word.startswith("--")} <= options


def test_seeds_that_are_no_numbers_are_refused(desk):
    error, hint = refused(desk, "--seeds", "one", "fair")
    assert "'one' is no list of seeds such as 0,1,2" in error
    assert "localfair compare --help" in hint


def test_seeds_take_the_place_of_runs_seed():
    assert isinstance(compare, click.Command)
    names = [parameter.name for parameter in compare.params]
    assert "seeds" in names
    assert "seed" not in names


def run(variant, **changes):
    values = {
        "variant": variant,
        "seed": 0,
        "run": "r",
        "before": EXAM,
        "after": EXAM,
        "change": CHANGE,
        "train_questions": 8,
        "explanations": 16,
        "lessons": 16,
        "adapter": None,
        "accepted": None,
        "teacher_tokens": 900,
        "written_tokens": 300,
        "mentor_tokens": 0,
        "teacher_seconds": 1.0,
        "train_seconds": 2.0,
        "calls": 9,
        "right": {"q": True},
    }
    return VariantRun(**values | changes)


def test_the_table_has_a_line_per_run_and_one_for_the_budget():
    first = run("fair")
    other = run("single", against_first=CHANGE, accepted=0.5)
    comparison = Comparison(
        id="b2:c",
        asked=Asked(variants=("fair", "single"), orders={}, equal=Equal(lessons=16)),
        rows=[first, other],
        summary=[summary_of([each], [first]) for each in (first, other)],
    )
    _, line, other_line, note, blank, budget = lines(comparison)
    assert line.split()[:5] == ["fair", "0", "50.0%", "50.0%", "[25.0%,"]
    assert "+25.0% [+0.0%, +50.0%], 0.5" in other_line
    assert note == "  4 questions"
    assert (blank, budget) == ("", "on test; each at most 16 lessons; comparison b2:c")


def keep(desk, comparison_id="b2:abcdef", found=None):
    """Write a comparison into the desk's record."""
    first = run("fair")
    other = run("single", against_first=CHANGE)
    summary = [summary_of([each], [first]) for each in (first, other)]
    table = {
        "rows": [first.data(), other.data()],
        "summary": [asdict(variant) for variant in summary],
    }
    recorded = RecordedComparison(
        id=comparison_id,
        task="t",
        asked=json.dumps({"budget_tokens": None, "lessons": 16}),
        found=json.dumps(found or table),
        created="2026-01-01T00:00:00",
    )
    with Store.open(desk.folder / "localfair.db", create=True) as store:
        add_comparison(store, recorded)


def test_a_comparison_that_was_made_is_shown_again(desk):
    keep(desk, "b2:fedcba")
    keep(desk)
    said = desk.says("compare", "show")
    assert said.code == 0
    *_, other, _, _, budget = said.out.splitlines()
    assert other.split()[0] == "single" and "+25.0% [+0.0%, +50.0%]" in other
    assert budget == "on test; each at most 16 lessons; comparison b2:abcdef"
    assert "comparison b2:fedcba" in desk.says("compare", "show", "fedc").out
    shown = json.loads(desk.says("compare", "show", "--json").out)
    assert (shown["id"], len(shown["rows"])) == ("b2:abcdef", 2)


def test_a_comparison_of_another_version_is_shown_as_it_is(desk):
    keep(desk, found={"rows": [{"variant": "fair"}], "summary": []})
    error, hint = refused(desk, "show")
    assert "was recorded by another version" in error and "--json" in hint
    assert desk.says("compare", "show", "--json").code == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", None),
        ("after", {"accuracy": "high"}),
        ("teacher_tokens", [1]),
        ("teacher_flops", 10**400),
        ("teacher_seconds", "long"),
    ],
)
def test_a_comparison_with_an_odd_value_is_shown_as_it_is(desk, name, value):
    first = run("fair").data() | {name: value}
    keep(desk, found={"rows": [first], "summary": []})
    error, hint = refused(desk, "show")
    assert "was recorded by another version" in error and "--json" in hint
    assert "\n" not in error
    assert desk.says("compare", "show", "--json").code == 0


def test_a_record_without_a_comparison_and_an_unknown_one_are_one_line(desk):
    assert refused(desk, "show")[0].startswith("there is no database")
    keep(desk)
    assert "there is no comparison '1234'" in refused(desk, "show", "1234")[0]
    assert "shows one comparison" in refused(desk, "show", "abcd", "fedc")[0]
