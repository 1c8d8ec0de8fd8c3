"""The quickstart's figure is drawn from a record, for light and for dark pages."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from localfair.record.store import Store
from localfair.report.findings import Accuracy, report
from tests.record.old_versions import todays_record

SCRIPT = Path(__file__).parents[2] / "recipes" / "quickstart" / "figure.py"
spec = importlib.util.spec_from_file_location("figure", SCRIPT)
figure = importlib.util.module_from_spec(spec)
spec.loader.exec_module(figure)


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
    drawing = ElementTree.fromstring(figure.drawn(findings, scheme))
    words = " ".join(drawing.itertext())
    assert "before 15.6% [9.7%, 24.2%]; after 44.8% [35.2%, 54.7%]" in words
    assert f"run {findings.run}, seed {findings.seed}" in words
    assert len(drawing.findall(".//{http://www.w3.org/2000/svg}circle")) == 2


def test_a_record_without_both_exams_is_one_line(tmp_path):
    record = todays_record(tmp_path)
    with pytest.raises(SystemExit, match="error: no run of this record"):
        figure.main(str(record), str(tmp_path))
    assert list(tmp_path.glob("*.svg")) == []


def test_no_record_and_no_folder_are_one_line(tmp_path, findings):
    with pytest.raises(SystemExit, match="error: there is no database"):
        figure.main(str(tmp_path / "none.db"), str(tmp_path))
    with pytest.raises(SystemExit, match=r"error: cannot write to .*: No such file"):
        figure.write(findings, tmp_path / "none")
    figure.write(findings, tmp_path)
    drawings = {path.name for path in tmp_path.glob("*.svg")}
    assert drawings == {"accuracy-light.svg", "accuracy-dark.svg"}
