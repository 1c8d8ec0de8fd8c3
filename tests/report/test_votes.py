"""Trust for people: a line a seat, a line a gate, and what a plant could win."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localfair.cli.reviewers import lines
from localfair.record.reviews import scored_rationales
from localfair.record.store import Store
from localfair.report.reviewers import ReviewersReport, reviewers
from localfair.report.votes import TrustReport
from tests.stages.committee import TrustLab, coin, gullible, sharp

PLANTS = 8


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> TrustLab:
    """A record with one calibrated review of three known reviewers."""
    lab = TrustLab(tmp_path_factory.mktemp("votes"))
    seats = (sharp(lab.folder), coin(lab.folder), gullible(lab.folder))
    lab.review("review.accept.labels=30", f"review.accept.plants={PLANTS}", reviewers=seats)
    return lab


def report(lab: TrustLab, **options: str) -> ReviewersReport:
    with Store.open(lab.db) as store:
        return reviewers(store, **options)


def trust(lab: TrustLab) -> TrustReport:
    (found,) = report(lab).trust
    return found


def test_each_seat_has_its_weight_its_vote_and_its_auc_within_authors(lab: TrustLab) -> None:
    seats = {seat.seat: seat for seat in trust(lab).seats}
    assert list(seats) == ["coin#1", "gullible#2", "sharp#0"]
    sharp_one = seats["sharp#0"]
    assert (sharp_one.no_vote, sharp_one.scored) == ("", 60)
    assert sharp_one.weight > 0 and sharp_one.interval[0] > 0
    assert sharp_one.area.auc > 0.9
    assert seats["coin#1"].no_vote.startswith("weight ")
    assert seats["gullible#2"].no_vote.startswith("fell for ")


def test_plants_are_told_by_seat_and_what_they_win_by_gate(lab: TrustLab) -> None:
    seats = {seat.seat: seat for seat in trust(lab).seats}
    assert seats["gullible#2"].plants.falls
    assert seats["sharp#0"].plants.fallen == 0
    mean, calibrated = trust(lab).gates
    assert (mean.planted, calibrated.planted) == (PLANTS, PLANTS)
    assert mean.won > mean.won_before
    assert calibrated.won == calibrated.won_before


def test_each_gate_says_what_it_accepts_of_the_labels(lab: TrustLab) -> None:
    mean, calibrated = trust(lab).gates
    assert (mean.gate, calibrated.gate) == ("mean above 3", "calibrated, precision 0.8")
    for gate in (mean, calibrated):
        assert gate.labels == 60
        assert 0 < gate.right <= gate.accepted <= 60
        assert gate.precision == gate.right / gate.accepted


def test_the_table_says_why_the_pooled_auc_misleads(lab: TrustLab) -> None:
    text = "\n".join(lines(report(lab)))
    assert "AUC within authors [95 %]" in text
    assert "pooled, scores tell who the author was" in text
    assert "planted ones accepted" in text
    assert f"of {PLANTS}, " in text


def test_as_data_it_is_plain(lab: TrustLab) -> None:
    data = json.loads(json.dumps(report(lab).data()))
    (found,) = data["trust"]
    assert found["labels"] == 60
    assert {gate["gate"] for gate in found["gates"]} == {
        "mean above 3",
        "calibrated, precision 0.8",
    }


def test_a_run_and_a_task_have_their_own_fits(lab: TrustLab) -> None:
    (run,) = lab.column("SELECT id FROM runs")
    assert report(lab, run=run).trust == report(lab, task="table").trust == report(lab).trust


def test_without_a_calibrated_gate_its_worth_is_told_from_the_reviews_there_are(
    tmp_path: Path,
) -> None:
    lab = TrustLab(tmp_path)
    seats = (sharp(lab.folder), coin(lab.folder))
    lab.run(
        settings=("review.mode=direct", "review.exhaustive=true"), reviewers=seats, until="review"
    )
    found = trust(lab)
    assert (found.fit, found.labels) == (None, 80)
    assert [seat.seat for seat in found.seats if not seat.no_vote] == ["sharp#0"]
    assert "not asked: --set review.accept.plants=8" in "\n".join(lines(report(lab)))


def test_of_very_many_rationales_the_first_by_id_are_looked_at(lab: TrustLab) -> None:
    with Store.open(lab.db) as store:
        every = scored_rationales(store, None, None, most=1000)
        some = scored_rationales(store, None, None, most=7)
    assert len(every) == 60
    assert some == every[:7]
    assert all(len(rationale.scores) == 3 for rationale in every)


def test_the_report_of_a_run_tells_what_reviews_were_worth(lab: TrustLab) -> None:
    from localfair.cli.show import lines as report_lines
    from localfair.report.findings import latest_run
    from localfair.report.findings import report as report_of

    with Store.open(lab.db) as store:
        text = "\n".join(report_lines(report_of(store, latest_run(store))))
    assert "review, trust: 1 of 3 reviewers have a vote; " in text
