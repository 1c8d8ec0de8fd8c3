"""Kills a command again and again, gives it again until it ends, and counts what was lost.

Works in a folder that it is given. Knows nothing of how results are shown.
"""

from __future__ import annotations

import random
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.reliability.inspection import Inspected, inspected
from tests.reliability.ledger import Ledger
from tests.reliability.process import Ended, Fault, ended
from tests.reliability.scene import Scene, scene_of
from tests.reliability.server import serving

IN_A_ROW = 3  # kills of one record before it may come to its end
CODES = {
    signal.SIGKILL: (-signal.SIGKILL,),
    signal.SIGINT: (130,),
    # before a run began there is nothing to end politely
    signal.SIGTERM: (143, -signal.SIGTERM),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is tried of one engine: how many ends, for how long at most, and by which chance."""

    engine: str
    at_once: int
    ends: int
    seconds: float
    seed: int = 0


@dataclass(kw_only=True)
class Tally:
    """What came of it.

    at_moments: kills at moments around commits. moments: how many there are in a run that nobody
    disturbs. lost: requests whose answers were committed and are not in the record any more.
    asked_again: requests that were asked although their answer was committed. arrived_lost: answers
    that had arrived and were not committed, the most at one kill; `bound` is what is promised.
    after_signals: the same at one SIGINT or SIGTERM. broken: what else did not hold, in words.
    """

    engine: str
    at_once: int
    seed: int
    kills: int = 0
    at_moments: int = 0
    signals: int = 0
    runs: int = 0
    moments: int = 0
    requests: int = 0
    lost: int = 0
    asked_again: int = 0
    arrived_lost: int = 0
    arrived_lost_in_all: int = 0
    after_signals: int = 0
    bound: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def bound(at_once: int) -> int:
    """How many answers that arrived one kill may cost: a batch being written, and what is in flight.

    From outside an answer has arrived when it was sent: it may be in flight still.
    """
    return 2 * at_once


def campaign(plan: Plan, folder: Path) -> Tally:
    """Do what is planned, in a folder that is made and removed."""
    folder.mkdir(parents=True)
    ledger = Ledger(folder / "ledger")
    scene = scene_of(plan.engine, plan.at_once, folder / "scene")
    with _served(scene, ledger) as url:
        scene.prepare(url)
        return _Campaign(plan, scene, ledger).done()


@contextmanager
def _served(scene: Scene, ledger: Ledger) -> Iterator[str]:
    """The URL of a server where the scene asks one."""
    if scene.engine != "http":
        yield ""
        return
    with serving(ledger) as url:
        yield url


class _Campaign:
    """One plan under way."""

    def __init__(self, plan: Plan, scene: Scene, ledger: Ledger) -> None:
        self._plan = plan
        self._scene = scene
        self._ledger = ledger
        self._chance = random.Random(plan.seed)
        self._committed: set[str] = set()  # in this record, ever
        self.tally = Tally(engine=plan.engine, at_once=plan.at_once, seed=plan.seed)
        self.tally.bound = bound(plan.at_once)

    def done(self) -> Tally:
        """The tally, when all faults were tried or the time is over."""
        started = time.monotonic()
        undisturbed, whole = self._undisturbed()
        self.tally.moments = undisturbed.moments
        self.tally.requests = len(whole.ids.get("generations", []))
        if self.tally.broken:  # there is nothing to hold others beside
            return self.tally
        faults = deque(self._faults(undisturbed))
        while faults and time.monotonic() - started < self._plan.seconds:
            self._one_record(faults, whole)
        self.tally.seconds = round(time.monotonic() - started, 1)
        return self.tally

    # -- which faults ---------------------------------------------------------------------------

    def _faults(self, undisturbed: Ended) -> list[Fault]:
        """Half of the kills at moments around commits, each moment once before any comes twice."""
        ends = self._plan.ends
        moments: list[int] = []
        while len(moments) < ends // 2:
            moments += self._chance.sample(range(undisturbed.moments), undisturbed.moments)
        faults = [Fault(moment=moment) for moment in moments[: ends // 2]]
        for _ in range(ends // 4):
            faults.append(Fault(seconds=self._chance.uniform(0, undisturbed.seconds)))
        for _ in range(ends // 8):
            faults.append(Fault(replies=self._chance.randint(1, self.tally.requests)))
        while len(faults) < ends:
            number = self._chance.choice((signal.SIGINT, signal.SIGTERM))
            replies = self._chance.randint(1, self.tally.requests)
            faults.append(Fault(number=number, replies=replies))
        self._chance.shuffle(faults)
        return faults

    # -- one record -----------------------------------------------------------------------------

    def _undisturbed(self) -> tuple[Ended, Inspected]:
        """A run that nobody disturbs, and what its record holds."""
        self._begin_record()
        mark = self._ledger.mark()
        end = self._run(None)
        self._expect(end.code == 0, f"undisturbed: exit {end.code}: {end.err[-500:]}")
        asked = self._ledger.since(mark).asked
        self._expect(len(asked) == len(set(asked)), "undisturbed: a request was asked twice")
        return end, inspected(self._scene)

    def _one_record(self, faults: deque[Fault], whole: Inspected) -> None:
        """Make a record with some kills on the way, and hold it beside one that nobody disturbed."""
        self._begin_record()
        struck: list[Fault] = []
        while faults and len(struck) < IN_A_ROW:
            fault = faults.popleft()
            before = len(struck)
            if self._struck(fault):
                struck.append(fault)
                continue
            if before:  # most was recorded by then: a fresh record gets there
                faults.appendleft(fault)
            break
        history = ", ".join(str(fault) for fault in struck) or "no kill"
        self._end_record(history, whole)

    def _struck(self, fault: Fault) -> bool:
        """Whether the fault ended the command before it ended by itself."""
        mark = self._ledger.mark()
        end = self._run(fault)
        if end.code == 0:
            self._look(f"{fault}: ended before")
            return False
        what = f"{fault}: exit {end.code}"
        self._expect(end.code in CODES[fault.number], f"{what}: {end.err[-500:]}")
        self._expect("Traceback" not in end.err, f"{what}: {end.err[-500:]}")
        if fault.moment is not None:
            self._expect(end.moments == fault.moment + 1, f"{what}: {end.moments} moments")
        now = self._look(what)
        arrived_lost = len(set(self._ledger.since(mark).answered) - now.committed)
        if fault.number is signal.SIGKILL:
            self._count_kill(fault, arrived_lost)
        else:
            self.tally.signals += 1
            self.tally.after_signals = max(self.tally.after_signals, arrived_lost)
        return True

    def _count_kill(self, fault: Fault, arrived_lost: int) -> None:
        self.tally.kills += 1
        self.tally.at_moments += fault.moment is not None
        self.tally.arrived_lost = max(self.tally.arrived_lost, arrived_lost)
        self.tally.arrived_lost_in_all += arrived_lost

    def _end_record(self, history: str, whole: Inspected) -> None:
        """Give the command until it ends, and once more; hold the record beside the undisturbed."""
        end = self._run(None)
        self._expect(end.code == 0, f"{history}: then exit {end.code}: {end.err[-500:]}")
        now = self._look(history)
        for noun, ids in whole.ids.items():
            self._expect(now.ids.get(noun) == ids, f"{history}: other {noun} than undisturbed")
        self._expect(now.statuses[-1:] == ["done"], f"{history}: runs are {now.statuses}")
        self._expect("running" not in now.statuses, f"{history}: runs are {now.statuses}")
        mark = self._ledger.mark()
        self._run(None)
        again = self._ledger.since(mark).asked
        self._expect(not again, f"{history}: finished, and asked {len(again)} more")

    def _begin_record(self) -> None:
        """Remove the record, so that the next command makes it."""
        for path in self._scene.folder.glob(f"{self._scene.db.name}*"):
            path.unlink()
        self._committed = set()

    def _run(self, fault: Fault | None) -> Ended:
        """Run the command; what was committed before must not be asked."""
        mark = self._ledger.mark()
        end = ended(self._scene, self._scene.command(), self._ledger, fault)
        self.tally.runs += 1
        asked = self._ledger.since(mark).asked
        self.tally.asked_again += len(self._committed.intersection(asked))
        return end

    def _look(self, what: str) -> Inspected:
        """What the record holds now: it is sound, and nothing that was committed is gone."""
        now = inspected(self._scene)
        for problem in now.problems:
            self._expect(False, f"{what}: {problem}")
        self.tally.lost += len(self._committed - now.committed)
        self._committed |= now.committed
        return now

    def _expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.tally.broken.append(what)
