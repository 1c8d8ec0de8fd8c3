"""Rows a second that the record takes, 16 in a transaction and one by one, each durable.

Reads nothing; writes a record below the working folder: what a flush costs there is the disk's, and
the ratio is one of that disk.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence

from localfair.record.nouns import Generation
from localfair.record.store import Store
from tests.benchmarks.pairs import Journal, Measure, Result, Target, ratios, result
from tests.benchmarks.setting import Setting
from tests.record.samples import ENGINE, generation

TOGETHER = 16
ALONE_ROWS = 320
TOGETHER_ROWS = 960
TEXT = "word " * 60


def commits(setting: Setting) -> Iterator[Result]:
    """The store's own path, both ways in one record, round by round."""
    folder = setting.work / "commits"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    less = 20 if setting.small else 1
    journal = Journal(setting.work, "commits", together=TOGETHER, less=less)
    with Store.open(folder / "record.db", create=True) as store:
        rounds = journal.side_by_side(
            setting.count(7),
            ours=lambda: _written(store, TOGETHER_ROWS // less, TOGETHER),
            theirs=lambda: _written(store, ALONE_ROWS // less, 1),
        )
    last = rounds[-1]
    details = {}
    for side, measures in last.items():
        details[side] = {name: round(value * 1000, 3) for name, value in measures.items()}
    yield result(
        "commits",
        ratios(rounds, "seconds", over="theirs", under="ours"),
        Target("at least", 9.0),
        f"generations a second that the record takes {TOGETHER} in a transaction, over one by one, "
        "each transaction flushed to the disk; details in ms a row",
        details=details,
    )


def _written(store: Store, count: int, together: int) -> Measure:
    """Seconds and CPU seconds a row."""
    replies = _replies(store.counts()["generations"], count)
    started, used = time.perf_counter(), time.process_time()
    for start in range(0, count, together):
        store.add_generations(ENGINE, replies[start : start + together])
    seconds = (time.perf_counter() - started) / count
    return {"seconds": seconds, "cpu_seconds": (time.process_time() - used) / count}


def _replies(first: int, count: int) -> Sequence[Generation]:
    """Replies that are not in the record yet."""
    return [generation(TEXT, seed=number) for number in range(first, first + count)]
