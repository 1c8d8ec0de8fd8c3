"""How the time of a recipe's steps falls from 1 node to 64, and where it stops.

    python -m tests.benchmarks.ray_simulated [--rates RECORD] [--table FILE] [--svg FILE]

The placing and the handing out are those of a real run over a simulated cluster
(`localfair.committee.simulated`); the engines are scripted at measured rates, of `localfair bench`:
those in the table (`ray_simulated.toml`), or the newest in a record. Prints a table; draws a figure.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.committee.cluster import Node
from localfair.committee.ray_actor import Look
from localfair.committee.ray_placing import Resources
from localfair.committee.ray_residents import RayResidents
from localfair.committee.seating import Member, Options, Seating
from localfair.committee.simulated import SimulatedCluster, Speed, asked
from localfair.machine.hardware import machine
from localfair.record.nouns import Message, Request
from localfair.record.rates import rates_on
from localfair.record.store import Store

TABLE = Path(__file__).with_suffix(".toml")
NODES = (1, 2, 4, 8, 16, 32, 64)
NODE = Resources(cpus=1)  # a replica takes all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Of one engine at the table's batch: seconds to load, tokens a second of all sequences."""

    load_seconds: float
    prefill: float
    decode: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step asks of each of its seats. prompt, reply: tokens of a call in the mean."""

    name: str
    seats: tuple[str, ...]
    calls: int
    prompt: int
    reply: int


@dataclass(frozen=True, slots=True)
class Scene:
    """The table: the recipe's steps, and the rate of each seat's model."""

    batch: int
    reply_cost: float
    steps: list[Step]
    rates: dict[str, Rate]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE, help="steps, and rates of seats")
    parser.add_argument("--rates", type=Path, help="a record whose rates go before the table's")
    parser.add_argument("--svg", type=Path, help="where the figure goes")
    given = parser.parse_args()
    scene = read(given.table, given.rates)
    seconds = {nodes: simulated(scene, nodes) for nodes in NODES}
    print("\n".join(table(scene, seconds)))
    if given.svg:
        given.svg.write_text(figure(scene, seconds), encoding="utf-8")


def read(path: Path, record: Path | None = None) -> Scene:
    """A table; rates of the same model names in a record go before its own."""
    text = tomllib.loads(path.read_text(encoding="utf-8"))
    rates = {}
    for seat in text["seat"]:
        values = seat
        if record is not None:
            values = _recorded(record, seat["model"], text["batch"]) or seat
        rates[seat["name"]] = Rate(
            load_seconds=values["load_seconds"], prefill=values["prefill"], decode=values["decode"]
        )
    steps = [Step(**{**step, "seats": tuple(step["seats"])}) for step in text["step"]]
    return Scene(text["batch"], text["reply_cost"], steps, rates)


def _recorded(record: Path, model: str, batch: int) -> dict[str, Any]:
    """The newest rate of a model on this machine at this batch; empty where there is none."""
    newest: dict[str, Any] = {}
    with Store.open(record) as store:
        for rate in rates_on(store, machine()):
            if rate.model == model and rate.batch == batch:
                newest = {
                    "load_seconds": rate.load_seconds,
                    "prefill": rate.prefill,
                    "decode": rate.decode,
                }
    return newest


def simulated(scene: Scene, count: int) -> dict[str, float]:
    """Seconds of each step on so many nodes, each of which holds one replica."""
    nodes = [Node(f"{number:02}", f"node {number}", NODE) for number in range(count)]
    cluster = SimulatedCluster(
        nodes, lambda work, looked: [(node, Look(NODE)) for node in looked], scene.reply_cost
    )
    residents = RayResidents(cluster)
    spent = {}
    with tempfile.TemporaryDirectory() as folder:
        members = _members(scene, Path(folder))
        for step in scene.steps:
            begun = cluster.clock
            # resident models go first, as in `Committee.ask`
            seats = sorted(step.seats, key=lambda seat: not residents.has(members[seat].identity))
            for seat in seats:
                speed = _speed(scene, seat)
                asked(cluster, residents, members[seat], _requests(step), speed)
            spent[step.name] = cluster.clock - begun
    return spent


def _members(scene: Scene, folder: Path) -> dict[str, Member]:
    seating = Seating(folder, 0, Options(batch=scene.batch))
    members = {}
    for seat in scene.rates:
        path = folder / f"{seat}.script.toml"
        path.write_text(f'# {seat}\n[[rule]]\nwhen = ""\nreply = ""\n')
        members[seat] = seating.member("teacher", 0, str(path))
    return members


def _requests(step: Step) -> list[Request]:
    """Replies of uneven length: evenly from nothing to twice the mean, always the same."""
    drawn = random.Random(step.name)
    requests = []
    for number in range(step.calls):
        reply = round(drawn.uniform(0, 2 * step.reply))
        message = Message("user", f"{step.name} {number} {step.prompt} {reply}")
        requests.append(Request(messages=(message,)))
    return requests


def _speed(scene: Scene, seat: str) -> Speed:
    """A sequence has its share of what the engine reads and writes when all slots are taken."""
    rate = scene.rates[seat]

    def slot(request: Request) -> float:
        *_, prompt, reply = request.messages[0].content.split()
        return scene.batch * (int(prompt) / rate.prefill + int(reply) / rate.decode)

    return Speed(rate.load_seconds, slot)


# -- what is shown --------------------------------------------------------------------------------


def table(scene: Scene, seconds: dict[int, dict[str, float]]) -> Iterator[str]:
    """Markdown: a row for each number of nodes, minutes of each step, the whole, and its gain."""
    names = [step.name for step in scene.steps]
    yield f"| nodes | {' | '.join(names)} | in all | times faster |"
    yield "|--:" * (len(names) + 3) + "|"
    alone = sum(seconds[1].values())
    for nodes, spent in seconds.items():
        cells = [f"{spent[name] / 60:.1f}" for name in names]
        whole = sum(spent.values())
        yield f"| {nodes} | {' | '.join(cells)} | {whole / 60:.1f} | {alone / whole:.1f} |"


WIDTH = 560
HEIGHT = 320
LEFT = 60
BOTTOM = 40
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#9c6b4e")


def figure(scene: Scene, seconds: dict[int, dict[str, float]]) -> str:
    """Minutes over nodes, both on scales of powers; linear gain as a dashed line."""
    lines = {step.name: [seconds[n][step.name] / 60 for n in seconds] for step in scene.steps}
    lines["in all"] = [sum(spent.values()) / 60 for spent in seconds.values()]
    most = max(lines["in all"])
    least = min(min(values) for values in lines.values())
    low = 10 ** math.floor(math.log10(least))
    high = 10 ** math.ceil(math.log10(most))

    def x(nodes: float) -> float:
        return LEFT + math.log2(nodes) / math.log2(max(NODES)) * (WIDTH - LEFT - 110)

    def y(minutes: float) -> float:
        share = math.log(minutes / low) / math.log(high / low)
        return 10 + (1 - share) * (HEIGHT - BOTTOM - 10)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        "<title>Minutes of each step over the number of nodes; the table holds the numbers</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for nodes in NODES:
        drawn.append(
            f'<text x="{x(nodes):.0f}" y="{HEIGHT - 22}" text-anchor="middle">{nodes}</text>'
        )
    tick = low
    while tick <= high:
        at = y(tick)
        drawn.append(
            f'<path d="M{LEFT} {at:.1f}H{x(NODES[-1]):.0f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
        tick *= 10
    middle = x(math.sqrt(NODES[-1]))
    drawn.append(f'<text x="{middle:.0f}" y="{HEIGHT - 5}" text-anchor="middle">nodes</text>')
    drawn.append(
        f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})">minutes</text>'
    )
    linear = [most / nodes for nodes in NODES if most / nodes > low]
    drawn.append(_line([(x(n), y(v)) for n, v in zip(NODES, linear, strict=False)], "#999", True))
    labels = 0.0
    for (name, values), colour in zip(lines.items(), (*COLOURS, "#000"), strict=False):
        ink = "#000" if name == "in all" else colour
        drawn.append(_line([(x(n), y(v)) for n, v in zip(NODES, values, strict=True)], ink, False))
        labels += 16
        drawn.append(f'<text x="{WIDTH - 96}" y="{labels + 4:.0f}" fill="{ink}">{name}</text>')
    drawn.append(
        f'<text x="{WIDTH - 96}" y="{labels + 20:.0f}" fill="#666">- - linear</text></svg>'
    )
    return "\n".join(drawn) + "\n"


def _line(points: list[tuple[float, float]], colour: str, is_dashed: bool) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="4 4"' if is_dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'


if __name__ == "__main__":
    main()
