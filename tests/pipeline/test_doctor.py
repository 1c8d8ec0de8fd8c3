"""The checks are kept apart: one that breaks is a line, and the next is made."""

from __future__ import annotations

import pytest

from localfair.errors import StoreError
from localfair.pipeline.doctor import CHECKS, Check, Examination, counts, examine
from localfair.pipeline.doctor_check import ok


@pytest.fixture
def examination(tmp_path) -> Examination:
    return Examination(workspace=tmp_path, db=tmp_path / "localfair.db")


def breaks(examination):
    yield ok("half", "was well")
    raise RuntimeError("no such thing\nat all")


def refuses(examination):
    raise StoreError("there is no folder", "make one")


def works(examination):
    yield ok("last", "well")


def test_a_check_that_breaks_is_a_line_and_the_others_go_on(examination):
    checks = {"first": breaks, "second": refuses, "last": works}
    half, broken, refused, last = examine(examination, checks)
    assert [half.status, last.status] == ["ok", "ok"]
    assert (broken.name, broken.status) == ("first", "fail")
    assert broken.finding == "the check itself broke: RuntimeError: no such thing at all"
    assert refused == Check("second", "fail", "there is no folder", "make one")


def test_nobody_can_silence_ctrl_c(examination):
    def interrupted(examination):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(examine(examination, {"first": interrupted}))


def test_statuses_are_counted():
    checks = [ok("a", ""), ok("b", ""), Check("c", "fail", "", "hint")]
    assert counts(checks) == {"ok": 2, "warn": 0, "fail": 1}
    assert len(CHECKS) >= 15
