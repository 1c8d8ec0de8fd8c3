"""How long engines were at work: what was decoded at once counts once, a pause not at all."""

import sqlite3

import pytest

from localfair.record.at_work import at_work


def busy(*spans):
    """The seconds of work of spans (engine, started, ended), by engine."""
    values = ", ".join(f"('{engine}', {started}, {ended})" for engine, started, ended in spans)
    replies = (
        f"SELECT column1 AS engine, column2 AS started, column3 AS ended FROM (VALUES {values})"
    )
    query = f"SELECT engine, SUM(busy) FROM ({at_work(replies, by='engine')}) GROUP BY engine"
    return dict(sqlite3.connect(":memory:").execute(query).fetchall())


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([(0, 10), (10, 20)], 20),  # one after another
        ([(0, 10), (0, 10), (0, 10)], 10),  # at once
        ([(8, 10), (0, 10), (5, 10)], 10),  # at once, and written down together
        ([(0, 10), (4, 14), (12, 16)], 16),  # one sequence takes the place of another
        ([(0, 20), (5, 6), (7, 8)], 20),  # within a longer one
        ([(0, 5), (3000, 3005)], 10),  # a pause
    ],
)
def test_work_is_what_spans_cover_together(spans, seconds):
    assert busy(*(("cpu", *span) for span in spans)) == {"cpu": seconds}


def test_each_engine_has_its_own_work():
    assert busy(("cpu", 0, 10), ("gpu", 5, 10)) == {"cpu": 10, "gpu": 5}
