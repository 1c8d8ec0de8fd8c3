"""A plan on a cluster: where calls would go, by the scheduler of a run, and what that would take."""

import pytest

from localfair.committee.cluster import Node
from localfair.committee.ray_actor import Look
from localfair.committee.ray_placing import Resources
from localfair.committee.ray_residents import RayResidents
from localfair.committee.seating import Options, Seating
from localfair.committee.simulated import START, SimulatedCluster, Speed
from localfair.pipeline.orders import RunOptions, order
from localfair.pipeline.plan import Estimate
from localfair.pipeline.plan_cluster import PlannedCluster
from localfair.pipeline.rehearsal import rehearse
from tests.lab import Lab, scripted_student

NODES = [
    Node("h", "head", Resources(cpus=0)),
    Node("a", "10.0.0.1", Resources(cpus=2, memory=2**30)),
    Node("b", "10.0.0.2", Resources(cpus=1, memory=2**30)),
]


def planned_cluster(replicas=None):
    cluster = SimulatedCluster(
        NODES, lambda work, nodes: [(node, Look(Resources(cpus=1))) for node in nodes], reply=0
    )
    return PlannedCluster(cluster, RayResidents(cluster, replicas))


@pytest.fixture
def member(tmp_path):
    student = scripted_student(tmp_path)
    return Seating(tmp_path, 0, Options(batch=2)).member("student", 0, student)


def test_the_head_that_only_holds_the_record_is_no_node(member):
    assert [node.name for node in planned_cluster().nodes()] == ["10.0.0.1", "10.0.0.2"]


def test_replicas_are_named_by_their_nodes_and_each_is_a_load(member):
    spent = planned_cluster().asked(member, 6, Speed(1.0, lambda request: 3.0))
    assert spent.replicas == {"10.0.0.1": 2, "10.0.0.2": 1}
    assert (spent.started, spent.seconds) == (3, START + 1 + 3)


def test_replicas_can_be_bounded(member):
    spent = planned_cluster(replicas=1).asked(member, 6, Speed(1.0, lambda request: 3.0))
    assert (spent.replicas, spent.seconds) == ({"10.0.0.1": 1}, START + 1 + 9)


def test_the_steps_of_a_recipe_are_placed_line_by_line(tmp_path):
    lab = Lab(tmp_path, scripted_student(tmp_path))
    options = {"task": "table", "data": lab.data, "student": lab.student, "batch": 2}
    ordered = order("fair", RunOptions(teachers=lab.teachers, db=lab.db, **options))
    estimate = Estimate(ordered, planned_cluster())
    lines = []
    for step in rehearse(ordered, "inquire"):
        lines += estimate.lines(step)
    replicas = [(line.step, sum(line.replicas.values()), line.loads) for line in lines]
    # the student first, then each teacher in its place
    assert replicas == [
        ("before", 2, 2),
        ("exam", 3, 1),
        ("inquire", 3, 3),
        ("inquire", 3, 3),
        ("inquire", 3, 3),
    ]
