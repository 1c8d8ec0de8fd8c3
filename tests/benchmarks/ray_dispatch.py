"""How dispatch to Ray actors scales: a script with a fixed call of 50 ms, at 1 to 16 replicas.

    python -m tests.benchmarks.ray_dispatch

Starts a cluster of its own on this machine. Each line: replicas, replies a second, the share of
what so many times the single replica's rate would be; and the local path beside them.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from localfair.committee.ask import Call, Committee
from localfair.committee.ray_cluster import RayCluster
from localfair.committee.ray_residents import RayResidents
from localfair.committee.residents import OneResident, Residents
from localfair.committee.seating import Member, Options, Seating
from localfair.record.nouns import Message, Request
from localfair.record.store import Store

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


def main() -> None:
    os.environ.update(
        RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="of-this-benchmark-alone", RAY_USAGE_STATS_ENABLED="0"
    )
    from ray.cluster_utils import Cluster

    head = {"num_cpus": max(REPLICAS), "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"here      {rate(folder, OneResident(), 1):6.1f} /s", flush=True)
        single = 0.0
        for replicas in REPLICAS:
            residents = RayResidents(RayCluster(cluster.address), replicas)
            reached = rate(folder, residents, replicas)
            residents.close()
            single = single or reached
            share = reached / (single * replicas)
            print(f"{replicas:2} on Ray {reached:6.1f} /s  {share:.2f}", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
