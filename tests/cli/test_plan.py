"""`localfair plan`: what a run would ask, as a table and as JSON, and nothing started."""

import json
from dataclasses import replace

from localfair.cli.plan import lines
from localfair.pipeline.plan import Line, Planned, Training
from localfair.pipeline.plan_cluster import ClusterNode
from tests.cli.conftest import review


def planned(**changes):
    return Planned(memory=2**30, memory_here=2**31, disk=2**20, disk_here=2**30, **changes)


def line(**changes):
    values = {
        "step": "exam",
        "stage": "exam",
        "round": 1,
        "model": "student",
        "engine": "scripted",
        "recorded": 0,
        "calls": 4,
        "more": 0,
        "prompt_tokens": 400,
        "reply_tokens": 40,
        "seconds": 90.0,
        "memory": None,
    }
    return Line(**values | changes)


def plan_of_review(*more):
    """The plan of `review()`: a scripted student cannot be trained, so its training is left out."""
    untrained = ("--set", "train.enabled=false", "--set", "after.enabled=false")
    _, *command = review(*untrained, *more)
    return ("plan", *command)


def test_a_plan_has_a_line_for_each_step_and_makes_no_database(desk):
    said = desk.says(*plan_of_review())
    assert said.code == 0, said.err
    steps = [text.split()[0] for text in said.out.splitlines() if text and text[0] != " "]
    assert steps[:4] == ["step", "before", "exam", "inquire"]
    assert "review" in steps
    assert not (desk.folder / "localfair.db").exists()


def test_what_the_record_answers_is_planned_as_recorded(desk):
    fresh = json.loads(desk.says(*plan_of_review("--json")).out)
    desk.says(*review())
    after = json.loads(desk.says(*plan_of_review("--json")).out)
    assert fresh["recorded"] == 0
    assert after["recorded"] > 0
    assert after["calls"] < fresh["calls"] + fresh["more"]


def test_a_train_step_stands_after_the_lines_before_it():
    training = Training(
        step="train",
        round=1,
        lessons=8,
        more=2,
        trained=False,
        steps=3,
        seconds=7200.0,
        after_lines=1,
    )
    plan = planned(
        lines=[line(step="exam"), line(step="after")],
        training=[training],
    )
    _, first, second, third, *_ = lines(plan)
    assert first.startswith("exam ")
    assert second == "train           8 lessons (+2), at most 3 steps  2.0 h"
    assert third.startswith("after ")


def test_an_engine_that_was_never_measured_is_named_with_the_command_that_measures_it():
    plan = planned(lines=[line(seconds=None)], unmeasured=["smol (llama_cpp/gguf)"])
    *_, time, unmeasured = lines(plan)
    assert time == "time      ? for the calls"
    assert unmeasured.strip() == "never measured here: localfair bench smol --engine llama_cpp"


def test_too_little_memory_is_said():
    plan = planned()
    assert not any("too little" in text for text in lines(plan))
    tight = replace(plan, memory_here=1)
    assert any(text.endswith("free here: too little") for text in lines(tight))


def test_a_plan_on_a_cluster_shows_its_nodes_and_where_replicas_would_be():
    nodes = [ClusterNode(name="10.0.0.1 (abcd)", cpus=8, memory=2**33, gpus=1)]
    placed = line(replicas={"10.0.0.1 (abcd)": 2}, loads=2, memory=2**30)
    text = lines(planned(lines=[placed], cluster="10.0.0.1:6379", nodes=nodes))
    assert "cluster   10.0.0.1:6379" in text
    assert "          10.0.0.1 (abcd): 8 CPUs, 8.0 GiB, 1 GPUs" in text
    assert f"{'exam':15} {'student':29} 2 on 10.0.0.1 (abcd); 2 loads" in text
    assert "memory    1.0 GiB for the largest model served, on a node" in text
