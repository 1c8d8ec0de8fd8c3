"""The simulation of a cluster: its table of steps, its rates, and its figure."""

from xml.etree import ElementTree

from localfair.machine.hardware import machine
from localfair.record.rates import Rate as RecordedRate
from localfair.record.rates import add_rate
from localfair.record.store import Store
from tests.benchmarks.ray_simulated import (
    NODES,
    TABLE,
    Rate,
    Scene,
    Step,
    figure,
    read,
    simulated,
    table,
)

SCENE = Scene(
    batch=4,
    reply_cost=0.001,
    steps=[Step(name="exam", seats=("a", "b"), calls=64, prompt=10, reply=10)],
    rates={name: Rate(load_seconds=1.0, prefill=100.0, decode=10.0) for name in ("a", "b")},
)


def test_four_nodes_take_less_than_one_and_more_than_a_quarter():
    one = simulated(SCENE, 1)["exam"]
    four = simulated(SCENE, 4)["exam"]
    assert one / 4 < four < one / 2


def test_the_table_has_a_row_for_each_number_of_nodes_and_the_figure_a_line_for_each_step():
    seconds = {nodes: {"exam": 600 / nodes} for nodes in NODES}
    head, _, first, *others = table(SCENE, seconds)
    assert head == "| nodes | exam | in all | times faster |"
    assert first == "| 1 | 10.0 | 10.0 | 1.0 |"
    assert len(others) == len(NODES) - 1
    lines = ElementTree.fromstring(figure(SCENE, seconds)).iter(
        "{http://www.w3.org/2000/svg}polyline"
    )
    assert len(list(lines)) == 3  # the step, the whole, and what would be linear


def test_the_shipped_table_can_be_read():
    scene = read(TABLE)
    assert {seat for step in scene.steps for seat in step.seats} == scene.rates.keys()


def test_rates_of_a_record_go_before_those_of_the_table(tmp_path):
    measured = {
        "id": "b2:1",
        "model": "smollm2-135m-instruct",
        "fingerprint": "sha256:0",
        "engine": "llama_cpp/gguf",
        "machine": machine(),
        "batch": 16,
        "prompt_tokens": 80,
        "reply_tokens": 64,
        "prefill": 7.0,
        "decode": 3.0,
        "load_seconds": 2.0,
        "peak_memory": 1,
        "created": "2026-11-27T00:00:00.000+00:00",
    }
    with Store.open(tmp_path / "record.db", create=True) as store:
        add_rate(store, RecordedRate(**measured))
    scene = read(TABLE, tmp_path / "record.db")
    assert scene.rates["student"] == Rate(load_seconds=2.0, prefill=7.0, decode=3.0)
