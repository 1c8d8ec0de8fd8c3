"""A whole committee's inquire and review, model by model, beside the authors' order of calls;
loads per stage.

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
from tests.benchmarks.authors import mistakes, seated
from tests.benchmarks.pairs import Journal, Measure, Result, Target, middle, ratios, result
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
    """Three interleaved rounds of the authors' order and of ours with direct and with reasoned
    reviews.
    """
    limit, seats = setting.size(12, 1), setting.seats(SMALL_SEATS)
    record = exam_record(setting, limit)
    orders = {mode: ordered(setting, seats, mode, limit, "committee.db") for mode in MODES}
    journal = Journal(setting.work, "committee", limit=limit, seats=seats, cap=setting.cap)
    with seated(orders["reasoned"], record) as authors:
        found = mistakes(record)
        rounds = journal.side_by_side(
            setting.pairs or 3,
            theirs=lambda: _sum([authors.explain(m) for m in found]),
            **{mode: partial(_until, "review", order, record) for mode, order in orders.items()},
        )
    for mode in MODES:
        yield _row("committee", mode, rounds, setting, len(found), seats)
    yield _loads([r[mode] for r in rounds for mode in MODES], seats)


def committee_15b(setting: Setting) -> Iterator[Result]:
    """40 questions and a 1.5B seat, once; stopped anywhere, it goes on with the next stage or
    question.
    """
    limit, seats = setting.size(40, 1), setting.seats(LARGE_SEATS)
    record = exam_record(setting, limit)
    orders = {mode: ordered(setting, seats, mode, limit, "committee-15b.db") for mode in MODES}
    journal = Journal(setting.work, "committee-15b", limit=limit, seats=seats, cap=setting.cap)
    measured = _stage_by_stage(journal, orders, record)
    found = mistakes(record)
    with seated(orders["reasoned"], record) as authors:
        measured["theirs"] = _sum(
            [
                journal.once(f"theirs {m.question.id} {i}", partial(authors.explain, m))
                for i, m in enumerate(found)
            ]
        )
    for mode in MODES:
        yield _row("committee-15b", mode, [measured], setting, len(found), seats)


def ordered(setting: Setting, seats: tuple[str, ...], mode: str, limit: int, db: str) -> Order:
    """Ours. A reply cut off by the cap is reviewed all the same: else the cap alone would save
    most reviews.
    """
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
        [tokens] = store.rows(WRITTEN, run_id)
    steps = [s for s in steps if s["stage"] in STAGES]
    loads = {s["stage"]: s["loads"] for s in steps}
    return {"seconds": seconds, "calls": sum(s["calls"] for s in steps), "loads": loads, **tokens}


def _stage_by_stage(journal: Journal, orders: dict[str, Order], record: Path) -> dict[str, Measure]:
    """Each mode's measure. What both modes share, inquire, is measured once, and each review on a
    copy of what it left: a stopped stage begins again alone.
    """
    order = next(iter(orders.values()))
    inquired = order.db.with_suffix(".inquire.db")

    def inquire() -> Measure:
        found = _until("inquire", order, record)
        copied(order.db, inquired)
        return found

    first = journal.once("inquire", inquire)
    reviews = {mode: partial(_until, "review", each, inquired) for mode, each in orders.items()}
    return {
        mode: _sum([first, journal.once(f"{mode} review", measure)])
        for mode, measure in reviews.items()
    }


def _sum(parts: list[Measure]) -> Measure:
    keys = [k for k in ("seconds", "calls", "tokens") if parts and k in parts[0]]
    return {key: sum(part[key] for part in parts) for key in keys}


def _row(
    name: str,
    mode: str,
    rounds: list[dict[str, Measure]],
    setting: Setting,
    found: int,
    seats: tuple[str, ...],
) -> Result:
    return result(
        f"{name}, {mode} reviews",
        ratios(rounds, "seconds", over="theirs", under=mode),
        TARGETS[mode],
        f"time of the authors' order of calls (batch 1, reasoned reviews of everything, models loaded before) over "
        f"our inquire and review with {mode} reviews (loads included), {found} mistakes on SVAMP, seats "
        f"{', '.join(seats)}, replies of up to {setting.cap} tokens",
        details={
            f"{said}_{key}": middle(rounds, side, key)
            for said, side in (("ours", mode), ("theirs", "theirs"))
            for key in ("seconds", "calls", "tokens")
        },
    )


def _loads(measured: list[Measure], seats: tuple[str, ...]) -> Result:
    """The worst stage of any run: a model already resident is not loaded again, so fewer is
    possible.
    """
    models = len(set(seats))
    worst = [max(m["loads"][stage] for stage in STAGES) / models for m in measured]
    typical = {stage: median(m["loads"][stage] for m in measured) for stage in STAGES}
    return result(
        "loads",
        worst,
        Target("at most", 1.0),
        f"loads of the stage that needs most, over the {models} different models of the {len(seats)} seats, counted "
        "in the record of the runs of `committee`",
        exact=True,
        details=typical,
    )
