"""A committee's inquire and review, model by model, beside the authors' order; loads per stage.

Reads weights and SVAMP; writes records below the working folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from localfair.pipeline.orders import Order
from localfair.record.store import Store
from tests.benchmarks.authors import Mistake, mistakes, seated
from tests.benchmarks.pairs import (
    Journal,
    Measure,
    Result,
    Target,
    counted,
    middle,
    ratios,
    result,
)
from tests.benchmarks.setting import (
    QWEN,
    QWEN_LARGE,
    SMOL,
    Setting,
    committee_order,
    copied,
    exam_record,
    run,
)

MODES = ("direct", "reasoned")
TARGETS = {"direct": Target("at least", 4.0), "reasoned": Target("at least", 2.0)}
STAGES = ("inquire", "review")
SMALL_SEATS = (SMOL, QWEN, SMOL)
LARGE_SEATS = (QWEN_LARGE, QWEN, SMOL)
# what the last stage of a run wrote, and those before it: the exam is older than the run
WRITTEN = """
SELECT COALESCE(SUM(g.completion_tokens), 0) AS tokens FROM generations g
WHERE g.action = 'generate' AND g.created >= (SELECT started FROM runs WHERE id = ?)"""


def committee(setting: Setting) -> Iterator[Result]:
    """Three interleaved rounds: the authors' order, ours with direct and with reasoned reviews."""
    limit = setting.size(12, 1)
    seats = setting.seats(SMALL_SEATS)
    record = exam_record(setting, limit)
    orders = {mode: ordered(setting, seats, mode, limit, "committee.db") for mode in MODES}
    journal = Journal(setting.work, "committee", limit=limit, seats=seats, cap=setting.cap)
    explained = mistakes(record)
    with seated(orders["reasoned"], record) as authors:
        rounds = journal.side_by_side(
            setting.pairs or 3,
            theirs=lambda: _sum([authors.explain(mistake) for mistake in explained]),
            direct=partial(_until, "review", orders["direct"], record),
            reasoned=partial(_until, "review", orders["reasoned"], record),
        )
    runs = []
    for mode in MODES:
        yield _row(f"committee, {mode} reviews", mode, rounds, _compared(setting, explained, seats))
        runs += [measures[mode] for measures in rounds]
    yield _loads(runs, seats)


def committee_15b(setting: Setting) -> Iterator[Result]:
    """40 questions and a 1.5B seat, once.

    Stopped anywhere, it goes on with the next stage or question.
    """
    limit = setting.size(40, 1)
    seats = setting.seats(LARGE_SEATS)
    record = exam_record(setting, limit)
    orders = {mode: ordered(setting, seats, mode, limit, "committee-15b.db") for mode in MODES}
    journal = Journal(setting.work, "committee-15b", limit=limit, seats=seats, cap=setting.cap)
    measured = _stage_by_stage(journal, orders, record)
    explained = mistakes(record)
    theirs = []
    with seated(orders["reasoned"], record) as authors:
        for number, mistake in enumerate(explained):
            key = f"theirs {mistake.question.id} {number}"
            theirs.append(journal.once(key, partial(authors.explain, mistake)))
    measured["theirs"] = _sum(theirs)
    compared = _compared(setting, explained, seats)
    for mode in MODES:
        yield _row(f"committee-15b, {mode} reviews", mode, [measured], compared)


def ordered(setting: Setting, seats: tuple[str, ...], mode: str, limit: int, db: str) -> Order:
    """Ours. A reply that the cap cuts off is reviewed too: else the cap would save most reviews."""
    changes = (f"review.mode={mode}", "review.accept.finished=false")
    return committee_order(setting, setting.work / db, seats, changes, limit)


def _until(stage: str, order: Order, record: Path) -> Measure:
    """What the stages that a copy of the record lacks cost, up to this one.

    Loads are in the time.
    """
    copied(record, order.db)
    started = time.perf_counter()
    run_id = run(order, stage)
    seconds = time.perf_counter() - started
    with Store.open(order.db) as store:
        steps = store.rows("SELECT stage, calls, loads FROM run_steps WHERE run = ?", run_id)
        [written] = store.rows(WRITTEN, run_id)
    calls = 0
    loads = {}
    for step in steps:
        if step["stage"] in STAGES:
            calls += step["calls"]
            loads[step["stage"]] = step["loads"]
    return {"seconds": seconds, "calls": calls, "loads": loads, "tokens": written["tokens"]}


def _stage_by_stage(journal: Journal, orders: dict[str, Order], record: Path) -> dict[str, Measure]:
    """Each mode's measure. A stopped stage begins again alone.

    Both modes share inquire: it is measured once, and each review on a copy of what it left.
    """
    order = orders["direct"]
    inquired = order.db.with_suffix(".inquire.db")

    def inquire() -> Measure:
        measure = _until("inquire", order, record)
        copied(order.db, inquired)
        return measure

    first = journal.once("inquire", inquire)
    measured = {}
    for mode, reviewing in orders.items():
        review = journal.once(f"{mode} review", partial(_until, "review", reviewing, inquired))
        measured[mode] = _sum([first, review])
    return measured


def _sum(measures: list[Measure]) -> Measure:
    """Seconds, calls and tokens of several measures together."""
    total = {}
    for key in ("seconds", "calls", "tokens"):
        total[key] = sum(measure[key] for measure in measures)
    return total


def _compared(setting: Setting, explained: list[Mistake], seats: tuple[str, ...]) -> str:
    """What both sides did, in words."""
    return (
        f"{len(explained)} mistakes on SVAMP, seats {', '.join(seats)}, "
        f"replies of up to {setting.cap} tokens"
    )


def _row(name: str, mode: str, rounds: list[dict[str, Measure]], compared: str) -> Result:
    details = {}
    for shown, side in (("ours", mode), ("theirs", "theirs")):
        for key in ("seconds", "calls", "tokens"):
            details[f"{shown}_{key}"] = middle(rounds, side, key)
    return result(
        name,
        ratios(rounds, "seconds", over="theirs", under=mode),
        TARGETS[mode],
        "time of the authors' order of calls (batch 1, reasoned reviews of everything, models "
        f"loaded before) over our inquire and review with {mode} reviews (loads included), "
        f"{compared}",
        details=details,
    )


def _loads(runs: list[Measure], seats: tuple[str, ...]) -> Result:
    """The loads of each run's worst stage over its models.

    A model already resident is not loaded again, so fewer than one a model is possible.
    """
    models = len(set(seats))
    worst = []
    for measure in runs:
        worst.append(max(measure["loads"][stage] for stage in STAGES) / models)
    typical = {}
    for stage in STAGES:
        typical[stage] = median(measure["loads"][stage] for measure in runs)
    target = Target("at most", 1.0)
    row = result(
        "loads",
        worst,
        target,
        f"loads of the stage that needs most, over the {models} different models of the "
        f"{len(seats)} seats, counted in the record of the runs of `committee`",
        details=typical,
    )
    return counted(row, worst, target)
