"""A run and a comparison are drawn from a record, for light and for dark pages."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from localfair.pipeline.comparison import Recorded, VariantRun
from localfair.record.store import Store
from localfair.report.findings import Accuracy, report
from tests.record.old_versions import todays_record
from tests.scripts import recipe_script

grades = recipe_script("grades")  # which figure imports as its neighbour
figure = recipe_script("figure")

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def findings(tmp_path):
    with Store.open(todays_record(tmp_path)) as store:
        [run] = store.first_column("SELECT id FROM runs")
        return replace(report(store, run), before=BEFORE, after=AFTER)


BEFORE = Accuracy(
    step="before", questions=96, right=15, accuracy=15 / 96, interval=(0.097, 0.242), unreadable=0
)
AFTER = replace(BEFORE, step="after", right=43, accuracy=43 / 96, interval=(0.352, 0.547))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_exams_are_drawn_and_told_in_words(findings, scheme):
    drawing = ElementTree.fromstring(figure.drawn(figure.of_run(findings), scheme))
    words = " ".join(drawing.itertext())
    assert "before 15.6% [9.7%, 24.2%]; after 44.8% [35.2%, 54.7%]" in words
    assert f"run {findings.run}, seed {findings.seed}" in words
    assert len(drawing.findall(f".//{SVG}circle")) == 2


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_a_comparison_is_drawn_a_line_a_variant_and_seed(seeds):
    rows = []
    for seed in seeds:
        rows.append(row("single-teacher", seed))
        rows.append(row("committee", seed))
    found = Recorded(
        id="b2:c", asked={"task": "sums", "budget_tokens": 12000, "on": "dev"}, found={"rows": rows}
    )
    drawing = ElementTree.fromstring(figure.drawn(figure.of_comparison(found), "light"))
    words = " ".join(drawing.itertext())
    assert "sums, 12,000 teacher tokens each" in words
    assert "on dev" in words
    assert len(drawing.findall(f".//{SVG}circle")) == 1 + 2 * len(seeds)
    assert ("committee 1" in words) == (len(seeds) == 2)


def test_grades_are_drawn_a_line_a_variant_and_seed(tmp_path):
    path = tmp_path / "sums.csv"
    path.write_text("question,plain/0,ours/0,ours/1\na,wrong,right,right\nb,right,right,wrong\n")
    drawing = figure.of_grades(path, "sums, 12,000 teacher tokens each")
    words = " ".join(ElementTree.fromstring(figure.drawn(drawing, "dark")).itertext())
    assert "plain 50.0% [9.5%, 90.5%]; ours 0 100.0% [34.2%, 100.0%]; ours 1 50.0%" in words
    assert "the grades in sums.csv" in words
    assert [label for label, _ in figure.of_grades(path, "sums", "plain").exams] == ["plain"]
    with pytest.raises(SystemExit, match=r"error: .* has no variant 'mine'"):
        figure.of_grades(path, "sums", "mine")


def row(variant, seed):
    """A variant's row as a comparison has it on record."""
    run = VariantRun(
        variant=variant,
        seed=seed,
        run="r",
        train_questions=8,
        before=BEFORE,
        after=AFTER,
        change=None,
        teacher_tokens=1,
        written_tokens=1,
        mentor_tokens=0,
        teacher_seconds=1.0,
        train_seconds=1.0,
        explanations=1,
        lessons=1,
        adapter=None,
        accepted=None,
        calls=1,
        right={},
    )
    return json.loads(json.dumps(run.data()))


def test_a_record_without_what_is_drawn_is_one_line(tmp_path):
    record = todays_record(tmp_path)
    with pytest.raises(SystemExit, match="error: no run of this record"):
        figure.main("accuracy", str(record), str(tmp_path))
    with pytest.raises(SystemExit, match=r"error: .* holds no comparison"):
        figure.main("comparison", str(record), str(tmp_path))
    with pytest.raises(SystemExit, match=r"error: .*b2:none"):
        figure.main("comparison", str(record), str(tmp_path), "b2:none")
    with pytest.raises(SystemExit, match=r"error: there is no run 'none'"):
        figure.main("accuracy", str(record), str(tmp_path), "none")
    assert list(tmp_path.glob("*.svg")) == []


def test_no_record_and_no_folder_are_one_line(tmp_path, findings):
    with pytest.raises(SystemExit, match="error: there is no database"):
        figure.main("accuracy", str(tmp_path / "none.db"), str(tmp_path))
    drawing = figure.of_run(findings)
    with pytest.raises(SystemExit, match=r"error: cannot write to .*: No such file"):
        figure.write("accuracy", drawing, tmp_path / "none")
    figure.write("accuracy", drawing, tmp_path)
    drawings = {path.name for path in tmp_path.glob("*.svg")}
    assert drawings == {"accuracy-light.svg", "accuracy-dark.svg"}
