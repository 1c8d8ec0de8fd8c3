"""The HTML report in a headless Chromium, where one is installed: quiet, self-contained, readable."""

import pytest

from localfair.pipeline.story import write_page
from localfair.record.store import Store
from tests.chromium import CONTRAST, WIDE, Page, chromium
from tests.record.old_versions import todays_record

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
SIZES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with Store.open(todays_record(folder)) as store:
        [run] = store.first_column("SELECT id FROM runs")
        write_page(store, run, folder, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_report_is_quiet_asks_nobody_and_can_be_read(report, width, scheme):
    with Page(width, scheme) as page:
        page.opens(report.as_uri())
        page.value("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.problems == []
        assert set(page.requests) == {report.as_uri()}
        assert page.value(WIDE) == 0
        assert page.value(CONTRAST) == []


def test_each_figure_says_what_it_shows_and_has_its_numbers_in_a_table(report):
    with Page() as page:
        page.opens(report.as_uri())
        figures = page.value(
            "[...document.querySelectorAll('figure')].map(each => [each.querySelector('svg')"
            ".getAttribute('aria-label'), each.querySelector('svg').getAttribute('role'), "
            "!!each.querySelector('table') || !!each.nextElementSibling.querySelector('table')])"
        )
        assert figures != []
        assert [each for each in figures if not each[0] or each[1:] != ["img", True]] == []


def test_axe_has_nothing_to_say_of_a_report(report, axe):
    with Page() as page:
        page.opens(report.as_uri())
        assert page.violations(axe) == []


def test_a_page_with_faults_is_told_from_one_without(tmp_path):
    page_path = tmp_path / "faulty.html"
    page_path.write_text(
        "<!DOCTYPE html><body style='background:#fff'><p style='color:#aaa'>faint</p>"
        "<div style='width:900px'>wide</div><img src='none.png' alt=''>"
        "<script>console.error('wrong')</script>"
    )
    with Page(390) as page:
        page.opens(page_path.as_uri())
        assert any("wrong" in problem for problem in page.problems)
        assert (tmp_path / "none.png").as_uri() in page.requests
        assert page.value(WIDE) > 400
        assert page.value(CONTRAST) == ["faint: 2.32"]
