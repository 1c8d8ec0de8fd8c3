"""The scheduler of a cluster over simulated nodes: what it does, and how long that would take."""

import pytest

from localfair.committee.cluster import Node
from localfair.committee.ray_actor import Look
from localfair.committee.ray_placing import Resources
from localfair.committee.ray_residents import RayResidents
from localfair.committee.seating import Options, Seating
from localfair.committee.simulated import START, SimulatedCluster, Speed, asked
from localfair.errors import UsageError
from localfair.record.nouns import Message, Request

BATCH = 4
ONE = Resources(cpus=1)
STEADY = Speed(10.0, lambda request: 1.0)  # loads in 10 s, a call takes 1 s


def cluster_of(count, cpus=1, needs=ONE, **options):
    nodes = [Node(f"n{i}", f"node {i}", Resources(cpus=cpus)) for i in range(count)]
    return SimulatedCluster(
        nodes, lambda work, looked: [(node, Look(needs)) for node in looked], **options
    )


@pytest.fixture
def seat(tmp_path, script):
    seating = Seating(tmp_path, 7, Options(batch=BATCH))
    return lambda name: seating.member("teacher", 0, script(name))


def requests(count):
    return [Request(messages=(Message("user", str(number)),)) for number in range(count)]


def test_one_replica_takes_start_load_and_a_batch_at_a_time(seat):
    cluster = cluster_of(1, reply=0)
    spent = asked(cluster, RayResidents(cluster), seat("a"), requests(12), STEADY)
    assert spent.seconds == pytest.approx(START + 10 + 12 / BATCH)
    assert (spent.started, spent.replicas) == (1, {"n0": 1})


def test_more_nodes_take_less_until_each_has_one_batch(seat):
    seconds = []
    for count in (1, 2, 4, 64):
        cluster = cluster_of(count, reply=0)
        spent = asked(cluster, RayResidents(cluster), seat("a"), requests(64), STEADY)
        seconds.append(spent.seconds - START - 10)
    assert seconds == pytest.approx([16, 8, 4, 1])


def test_replies_that_cost_time_here_bound_what_nodes_can_gain(seat):
    cluster = cluster_of(16, reply=0.5)
    spent = asked(cluster, RayResidents(cluster), seat("a"), requests(64), STEADY)
    assert spent.seconds >= 64 * 0.5


def test_a_model_that_is_open_starts_nothing_the_second_time(seat):
    cluster = cluster_of(2, reply=0)
    residents = RayResidents(cluster)
    member = seat("a")
    asked(cluster, residents, member, requests(8), STEADY)
    again = asked(cluster, residents, member, requests(8), STEADY)
    assert (again.started, again.seconds) == (0, 1.0)


def test_as_many_models_as_fit_stay_open(seat):
    cluster = cluster_of(4)
    residents = RayResidents(cluster)
    members = [seat(name) for name in "abcd"]
    for member in members * 2:
        asked(cluster, residents, member, requests(3), STEADY)
    assert len(cluster.replicas) == 4


def test_a_model_without_a_place_takes_no_more_of_the_oldest_than_it_needs(seat):
    cluster = cluster_of(4)
    residents = RayResidents(cluster)
    first, second, third = seat("a"), seat("b"), seat("c")
    for member, count in ((first, 8), (second, 8), (third, 4)):
        asked(cluster, residents, member, requests(count), STEADY)
    left = [sum(residents.replicas(each.identity).values()) for each in (first, second, third)]
    assert left == [1, 2, 1]


def test_a_model_with_much_to_do_is_not_kept_small_by_one_that_idles(seat):
    cluster = cluster_of(8)
    residents = RayResidents(cluster)
    first, second = seat("a"), seat("b")
    asked(cluster, residents, first, requests(28), STEADY)  # seven replicas: one node is left
    spent = asked(cluster, residents, second, requests(32), STEADY)
    assert spent.started == 4  # two batches for each
    assert residents.has(first.identity)


def test_a_node_that_dies_loses_no_request(seat):
    cluster = cluster_of(2, reply=0)
    residents = RayResidents(cluster)
    arrived = []

    def slot(request):
        return 1.0

    cluster.speed = Speed(0.0, slot)
    engine = residents.engine(seat("a"), lambda *failed: pytest.fail(str(failed)))
    for generation in engine.generate(requests(32)):
        arrived.append(generation.request.messages[0].content)
        if len(arrived) == 5:
            cluster.kill("n0")
    assert sorted(arrived, key=int) == [str(number) for number in range(32)]
    assert engine.deaths == 1


def test_a_request_that_three_replicas_die_of_has_failed(seat):
    cluster = cluster_of(8, reply=0)
    residents = RayResidents(cluster)
    failed = []

    def slot(request):
        if request.messages[0].content != "3":
            return 1.0
        cluster.kill(next(iter(cluster._nodes)))
        return 1000.0

    cluster.speed = Speed(0.0, slot)
    engine = residents.engine(seat("a"), lambda request, error: failed.append(error.message))
    # with one replica at a time it is known who it was
    residents._replicas = 1
    arrived = [
        generation.request.messages[0].content for generation in engine.generate(requests(6))
    ]
    assert sorted(arrived) == ["0", "1", "2", "4", "5"]
    assert failed == ["a request: 3 replicas of a died of it"]


def test_a_model_that_fits_no_node_is_refused(seat):
    cluster = cluster_of(2, needs=Resources(cpus=2))
    with pytest.raises(UsageError, match="a fits no node: it needs 2 CPUs"):
        RayResidents(cluster).check([seat("a")])
