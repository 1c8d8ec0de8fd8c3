"""What Ray costs: how dispatch to its actors scales, and this process's time of a call beside the local path.

    python -m tests.benchmarks.ray_dispatch          # a script with a call of 50 ms, 1 to 16 replicas
    python -m tests.benchmarks ray                   # CPU time of a call, on Ray and here

Both start a cluster of their own on this machine. A line of the first: replicas, replies a second,
the share of what so many times the single replica's rate would be; and the local path beside them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from localfair.committee.ask import Call, Committee
from localfair.committee.ray_cluster import RayCluster
from localfair.committee.ray_residents import RayResidents
from localfair.committee.residents import OneResident, Residents
from localfair.committee.seating import Member, Options, Seating
from localfair.record.nouns import Message, Request
from localfair.record.store import Store
from tests.benchmarks.pairs import Journal, Measure, Result, middle, ratios, result
from tests.benchmarks.setting import Setting

CALL = 0.05  # seconds
SECONDS = 10  # that a measurement takes at best
BATCH = 8
REPLICAS = (1, 2, 4, 8, 16)
SCRIPT = f'delay = {CALL}\n[[rule]]\nwhen = ""\nreply = "yes"\n'


def calls(member: Member, count: int, first: str) -> list[Call]:
    return [
        Call(member, Request(messages=(Message("user", f"{first} {number}"),)))
        for number in range(count)
    ]


def rate(folder: Path, residents: Residents, replicas: int) -> float:
    """Replies a second, once every replica is up."""
    path = folder / "peer.script.toml"
    path.write_text(SCRIPT)
    member = Seating(folder, 0, Options(batch=BATCH)).member("teacher", 0, str(path))
    with Store.open(folder / f"{time.monotonic_ns()}.db", create=True) as store:
        committee = Committee(store, [member], residents=residents)
        list(committee.ask(calls(member, 3 * BATCH * replicas, "warm")))
        count = round(SECONDS / CALL) * replicas
        started = time.perf_counter()
        list(committee.ask(calls(member, count, "why")))
        return count / (time.perf_counter() - started)


@contextlib.contextmanager
def cluster_of(cpus: int) -> Iterator[str]:
    """The address of a cluster of one node, which is the head."""
    os.environ.update(
        RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="of-this-benchmark-alone", RAY_USAGE_STATS_ENABLED="0"
    )
    from ray.cluster_utils import Cluster

    head = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster.address
    finally:
        cluster.shutdown()


def main() -> None:
    with cluster_of(max(REPLICAS)) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"here      {rate(folder, OneResident(), 1):6.1f} /s", flush=True)
        single = 0.0
        for replicas in REPLICAS:
            residents = RayResidents(RayCluster(address), replicas)
            reached = rate(folder, residents, replicas)
            residents.close()
            single = single or reached
            share = reached / (single * replicas)
            print(f"{replicas:2} on Ray {reached:6.1f} /s  {share:.2f}", flush=True)


# -- the row of the table -------------------------------------------------------------------------


def overhead(setting: Setting) -> Iterator[Result]:
    """CPU milliseconds of a call to an instant script in this process: on Ray, and over those here."""
    count = setting.size(1000, 40)
    journal = Journal(setting.work, "ray", calls=count)
    with cluster_of(1) as address:
        residents = RayResidents(RayCluster(address), 1)
        rounds = journal.side_by_side(
            setting.count(5),
            here=partial(cost, setting.work, OneResident(), count),
            on_ray=partial(cost, setting.work, residents, count),
        )
        residents.close()
    yield result(
        "ray, a call",
        [measures["on_ray"]["cpu_ms"] for measures in rounds],
        None,
        "CPU time of a call in the process that keeps the record: one replica on Ray, an instant "
        "script, batches of 8, every reply durable",
        unit="ms",
        details={"here_ms": middle(rounds, "here", "cpu_ms")},
    )
    yield result(
        "ray over the local path",
        ratios(rounds, "cpu_ms", over="on_ray", under="here"),
        None,
        "that time over the time of the same calls without Ray, the script's own included there",
    )


def cost(folder: Path, residents: Residents, count: int) -> Measure:
    """CPU milliseconds of a call in this process, once everything is open."""
    path = folder / "instant.script.toml"
    path.write_text('[[rule]]\nwhen = ""\nreply = "yes"\n')
    member = Seating(folder, 0, Options(batch=BATCH)).member("teacher", 0, str(path))
    with Store.open(folder / f"{time.monotonic_ns()}.db", create=True) as store:
        committee = Committee(store, [member], residents=residents)
        list(committee.ask(calls(member, 3 * BATCH, "warm")))
        started = time.process_time()
        list(committee.ask(calls(member, count, "why")))
        return {"cpu_ms": 1000 * (time.process_time() - started) / count}


if __name__ == "__main__":
    main()
