"""A card's largest batch is found with few tries, and a part that was stopped goes on."""

import pytest
import torch

from localfair.models.fit import CARD
from tests.benchmarks.pairs import Journal
from tests.gpu.cards import Bench, Load, on_card, whole_card
from tests.gpu.fit import predicted
from tests.gpu.memory import CountedMemory, tried
from tests.gpu.shapes import shapes

TOY = shapes()["toy"]
LOAD = Load(16, checkpointing=False)
MIB = 2**20
EMPTY = int(CARD.libraries)


def bytes_of(load, batch):
    row = {"shape": "toy", "length": load.length, "checkpointing": load.checkpointing}
    return predicted(row | {"batch": batch, "rank": 16}, CARD)


class Untrained(Bench):
    """A bench whose steps cost nothing and are counted."""

    def __init__(self, folder):
        super().__init__(TOY, CountedMemory(), folder)
        self.tries = 0

    def _steps(self, load, batch, steps):
        self.tries += 1
        expected = bytes_of(load, batch)
        self.memory.begin(expected)
        return {
            "batch": batch,
            "peak_bytes": expected,
            "reserved_bytes": expected,
            "beyond_bytes": 0,
        }


@pytest.mark.parametrize("beside", [0, 1, 2, 3, 5, 9])
def test_a_card_holds_the_largest_batch_whose_peak_is_below_its_size(tmp_path, beside):
    bench = Untrained(tmp_path)
    card = EMPTY + beside * MIB
    points = list(whole_card(bench, Journal(tmp_path, "cards"), LOAD, card, most=64))
    bench.tries = 0
    held = on_card(bench, LOAD, card, points, most=64)
    batch = held["largest_batch"]
    peaks = [bytes_of(LOAD, each) for each in (batch, batch + 1)]
    assert batch == 0 or peaks[0] <= card
    assert peaks[1] > card
    assert bench.tries <= 3


def test_what_was_measured_before_a_kill_is_not_measured_again(tmp_path):
    first = Untrained(tmp_path)
    points = whole_card(first, Journal(tmp_path, "cards"), LOAD, EMPTY + 9 * MIB, most=64)
    next(points), next(points)  # and is killed here
    again = Untrained(tmp_path)
    whole = list(whole_card(again, Journal(tmp_path, "cards"), LOAD, EMPTY + 3 * MIB // 2, most=64))
    assert [point["batch"] for point in whole] == [1, 2, 4, 8]
    assert again.tries == len(whole) - 2


def test_only_a_lack_of_memory_is_an_answer():
    def lacks():
        raise torch.OutOfMemoryError("no")

    def breaks():
        raise RuntimeError("a shape that does not match")

    assert tried(lacks) is None
    assert tried(lambda: 3) == 3
    with pytest.raises(RuntimeError, match="a shape"):
        tried(breaks)


def test_every_training_of_a_shape_is_computed_in_bf16_and_not_only_its_first(tmp_path):
    pytest.importorskip("bitsandbytes")
    bench = Bench(TOY, CountedMemory(), tmp_path)
    inside = []

    def note(*_):
        inside.append(torch.is_autocast_enabled("cpu"))

    [first, *_] = [module for name, module in bench._model.named_modules() if "lora_A.d" in name]
    first.register_forward_pre_hook(note)
    for checkpointing in (False, True, False):
        bench.measured(Load(16, checkpointing=checkpointing), 1, 1)
    assert len(inside) >= 3
    assert len(set(inside)) == 1  # a processor without bf16 computes in fp32, each time
