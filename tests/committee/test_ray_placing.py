"""Where replicas go."""

from localfair.committee.ray_placing import Resources, places

NEEDS = Resources(cpus=2, memory=10)


def test_replicas_spread_over_the_nodes_and_then_share_them():
    free = {"a": Resources(4, 100), "b": Resources(3, 100)}
    assert places({"a": NEEDS, "b": NEEDS}, free, 9) == ["a", "b", "a"]


def test_no_more_than_wanted_are_placed():
    assert places({"a": NEEDS}, {"a": Resources(8, 100)}, 2) == ["a", "a"]


def test_memory_bounds_as_processors_do():
    assert places({"a": NEEDS}, {"a": Resources(8, 15)}, 9) == ["a"]


def test_a_node_that_is_gone_or_may_not_hold_the_model_gets_none():
    free = {"b": Resources(8, 100)}
    assert places({"a": NEEDS}, free, 1) == []


def test_three_replicas_of_a_third_share_a_gpu():
    needs = Resources(cpus=1, gpus=0.33)
    free = {"a": Resources(8, 0, gpus=1), "b": Resources(8)}
    assert places({"a": needs, "b": needs}, free, 9) == ["a", "a", "a"]
