"""A committee on a Ray cluster: the same rows, and what is left when somebody is killed."""

import os
import signal
import threading

import pytest

from localfair.committee.ask import Call, Committee
from localfair.committee.ray_residents import RayResidents
from localfair.committee.seating import Options, Seating
from localfair.errors import EngineDied
from localfair.record.nouns import Message, Request

pytestmark = pytest.mark.ray

SLOW = """
delay = 0.1
[[rule]]
when = ""
reply = "yes"
"""


@pytest.fixture
def residents(joined):
    residents = RayResidents(joined)
    yield residents
    residents.close()


def member(folder, text=SLOW, batch=4):
    path = folder / "teacher.script.toml"
    path.write_text(text)
    seating = Seating(folder, 7, Options(batch=batch))
    return seating.member("teacher", 0, str(path))


def questions(member, count):
    return [
        Call(member, Request(messages=(Message("user", f"Why {number}?"),)), number)
        for number in range(count)
    ]


def replies(committee, calls):
    return sorted(call.tag for call, _ in committee.ask(calls))


def generations(store):
    return store.counts()["generations"]


def pool_of(residents):
    (pool,) = residents._pools.values()
    return pool


def kill(seated):
    """Kill the process of a replica, as a node short of memory would."""
    assert seated.is_up, "nobody has the process 0"
    os.kill(seated.process, signal.SIGKILL)


def test_every_reply_comes_once_from_several_replicas(store, residents, tmp_path):
    asked = member(tmp_path)
    committee = Committee(store, [asked], residents=residents)
    assert replies(committee, questions(asked, 20)) == list(range(20))
    assert generations(store) == 20
    assert len(pool_of(residents).replicas) == 4
    assert committee.tally.loads == 1


def test_replicas_are_as_many_as_the_work_fills(store, residents, tmp_path):
    asked = member(tmp_path)
    replies(Committee(store, [asked], residents=residents), questions(asked, 5))
    assert len(pool_of(residents).replicas) == 2


def test_replicas_can_be_bounded(store, joined, tmp_path):
    asked = member(tmp_path)
    residents = RayResidents(joined, replicas=1)
    replies(Committee(store, [asked], residents=residents), questions(asked, 12))
    assert len(pool_of(residents).replicas) == 1
    residents.close()


def test_whoever_leaves_in_the_middle_keeps_what_came(store, residents, tmp_path):
    asked = member(tmp_path)
    committee = Committee(store, [asked], residents=residents)
    for _ in committee.ask(questions(asked, 12)):
        break
    came = generations(store)
    assert 1 <= came < 12
    assert replies(committee, questions(asked, 12)) == list(range(12))
    assert generations(store) == 12


def test_a_replica_that_is_killed_loses_nothing(store, residents, tmp_path):
    asked = member(tmp_path)
    committee = Committee(store, [asked], residents=residents)
    tags = []
    for call, _ in committee.ask(questions(asked, 32)):
        tags.append(call.tag)
        if len(tags) == 3:
            kill(pool_of(residents).replicas[0])
    assert sorted(tags) == list(range(32))
    assert pool_of(residents).deaths == 1
    assert committee.failures.calls == {}
    assert generations(store) == 32


def test_a_node_that_is_killed_loses_nothing(store, residents, ray_cluster, tmp_path):
    asked = member(tmp_path, SLOW.replace("0.1", "0.2"), batch=2)
    node = ray_cluster.add_node(num_cpus=4)
    ray_cluster.wait_for_nodes()
    committee = Committee(store, [asked], residents=residents)
    tags = []
    for call, _ in committee.ask(questions(asked, 40)):
        tags.append(call.tag)
        if len(tags) == 8:
            ray_cluster.remove_node(node, allow_graceful=False)
    assert sorted(tags) == list(range(40))
    assert pool_of(residents).deaths >= 1
    assert generations(store) == 40


def test_no_replica_left_ends_the_run_with_what_came(store, joined, tmp_path):
    asked = member(tmp_path)
    residents = RayResidents(joined, replicas=1)
    committee = Committee(store, [asked], residents=residents)
    with pytest.raises(EngineDied, match="no replica of teacher is left"):
        for _ in committee.ask(questions(asked, 32)):
            pool = pool_of(residents)
            if pool.deaths == 0:
                residents._barren.update((asked.identity, node) for node in pool.needs)
                kill(pool.replicas[0])
    assert 1 <= generations(store) < 32
    residents.close()


def test_a_third_model_takes_no_more_than_it_needs_of_the_oldest_one(store, residents, tmp_path):
    members = []
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        members.append(member(tmp_path / name, f"# {name}\n{SLOW}"))
    committee = Committee(store, members, residents=residents)
    for asked, count in zip([*members, members[1]], (8, 8, 3, 8), strict=True):
        calls = questions(asked, count)
        replies(committee, calls)
    replicas = [len(residents._pools[each.identity].replicas) for each in members]
    assert replicas == [1, 2, 1]
    assert committee.tally.loads == 3


def kill_whoever_is_asked(residents, text, done):
    """Kill every replica that is asked this, until `done` is set."""
    killed = set()
    while not done.wait(0.02):
        for pool in list(residents._pools.values()):
            for seated in list(pool.replicas):
                texts = [request.messages[0].content for request in list(seated.asked.values())]
                if text in texts and seated.is_up and seated.process not in killed:
                    killed.add(seated.process)
                    kill(seated)


def test_a_request_that_kills_three_replicas_is_a_failed_call_and_the_others_are_answered(
    store, residents, tmp_path
):
    asked = member(tmp_path, SLOW.replace("0.1", "0.3"))
    committee = Committee(store, [asked], residents=residents)
    done = threading.Event()
    killer = threading.Thread(target=kill_whoever_is_asked, args=(residents, "Why 5?", done))
    killer.start()
    try:
        answered = replies(committee, questions(asked, 12))
    finally:
        done.set()
        killer.join()
    assert answered == [number for number in range(12) if number != 5]
    (failed,) = store.rows("SELECT reason FROM failed_calls")
    assert failed["reason"] == "a request: 3 replicas of teacher died of it"
    assert pool_of(residents).deaths == 3
