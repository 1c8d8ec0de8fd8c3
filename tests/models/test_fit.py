"""What fits: the formula follows its parts, and what is proposed instead fits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.cli import main
from localfair.errors import ModelError
from localfair.models import fit as fitting
from localfair.models import resolve
from localfair.models.fit import (
    LORA,
    MARGIN,
    Fit,
    Load,
    Sizes,
    fit,
    lighter,
    needed,
    sizes_of,
    to_serve,
    to_train,
)
from tests.models import weights

MIB = 2**20
# SmolLM2-135M-Instruct in Q4_1, Qwen2.5-Coder-0.5B-Instruct in Q4_K_M and TinyLlama in IQ2_XXS, from their headers;
# the peaks are those of models/README.md, in MiB
SMOL = Sizes(weights=98362432, kv=23040, layers=30, width=576, feed_forward=1536, queries=576, keys=192,
             vocabulary=49152, tied=True)  # fmt: skip
QWEN = Sizes(weights=491400064, kv=12288, layers=24, width=896, feed_forward=4864, queries=896, keys=128,
             vocabulary=151936, tied=False)  # fmt: skip
TINY_LLAMA = Sizes(weights=322591712, kv=22528, layers=22, width=2048, feed_forward=5632, queries=2048, keys=256,
                   vocabulary=32000, tied=False)  # fmt: skip
SERVED = [
    (SMOL, 512, 1, 189), (SMOL, 2048, 16, 903), (QWEN, 512, 1, 632), (QWEN, 2048, 16, 1050), (TINY_LLAMA, 2048, 4, 596)
]  # fmt: skip
TRAINED = [
    (SMOL, 128, 4, 16, False, 1653), (SMOL, 256, 8, 16, False, 3960), (SMOL, 256, 4, 64, False, 2674),
    (SMOL, 256, 8, 16, True, 2398), (QWEN, 256, 4, 16, False, 4607), (QWEN, 256, 4, 16, True, 3433),
    (TINY_LLAMA, 64, 1, 16, True, 3711), (TINY_LLAMA, 128, 8, 16, False, 6812),
]  # fmt: skip

IN_FP32 = [(SMOL, 64, 1, 1278), (SMOL, 128, 4, 1976), (SMOL, 256, 4, 3345), (SMOL, 256, 8, 5712)]


@pytest.mark.parametrize(("sizes", "context", "sequences", "seen"), SERVED)
def test_serving_is_estimated_within_a_fifth_of_what_was_measured(sizes, context, sequences, seen):
    assert 0.8 < to_serve(sizes, context, sequences) / MIB / seen < 1.2


@pytest.mark.parametrize(("sizes", "length", "batch", "rank", "checkpointing", "seen"), TRAINED)
def test_training_is_estimated_within_a_third_of_what_was_measured(
    sizes, length, batch, rank, checkpointing, seen
):
    assert (
        0.8 < to_train(sizes, length, batch, rank, checkpointing=checkpointing) / MIB / seen < 1.33
    )


@pytest.mark.parametrize(("sizes", "length", "batch", "seen"), IN_FP32)
def test_training_in_fp32_is_estimated_within_a_fifth_of_what_was_measured(
    sizes, length, batch, seen
):
    assert 0.8 < to_train(sizes, length, batch, 16, compute="fp32") / MIB / seen < 1.2


def test_parameters_are_counted_from_widths():
    assert (SMOL.linear, SMOL.outer) == (106_168_320, 28_311_552)
    grown = to_train(SMOL, 512, 8, 17) - to_train(SMOL, 512, 8, 16)
    assert grown == pytest.approx(LORA * SMOL.per_rank, abs=1)


def test_headers_tell_the_sizes(tmp_path: Path):
    sizes = sizes_of(weights.gguf(tmp_path / "a.gguf", llama__feed_forward_length=128))
    assert (sizes.layers, sizes.width, sizes.feed_forward, sizes.queries, sizes.keys) == (
        2,
        64,
        128,
        64,
        32,
    )
    assert (sizes.vocabulary, sizes.tied, sizes.kv) == (4, True, 2 * 2 * 2 * (16 + 16))


def test_a_folder_tells_the_same_as_a_gguf(tmp_path: Path):
    folder = weights.safetensors(tmp_path / "folder")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 128, "vocab_size": 4,
                                                            "tie_word_embeddings": True}))  # fmt: skip
    one = sizes_of(weights.gguf(tmp_path / "a.gguf", llama__feed_forward_length=128))
    assert replace(sizes_of(folder), weights=0) == replace(one, weights=0)


@pytest.mark.parametrize(
    "load", [Load(context=4096, batch=64), Load(context=1024, batch=32, train=True)], ids=str
)
def test_each_lighter_load_needs_less(load):
    steps = [needed(QWEN, other) for other in (load, *lighter(load))]
    assert steps == sorted(steps, reverse=True) and len(steps) > 5 and steps[-1] < steps[0] / 3


@pytest.fixture
def tiny(tmp_path: Path):
    return resolve(str(weights.gguf(tmp_path / "a.gguf", llama__feed_forward_length=128)), tmp_path)


def asked(model, load, free) -> Fit:
    return fit(model, load, lambda: ("memory", free))


def test_what_is_proposed_instead_fits_and_is_the_least_change(tiny):
    load = Load(context=4096, batch=64)
    free = needed(sizes_of(tiny.path), Load(context=4096, batch=20)) * MARGIN
    found = asked(tiny, load, free)
    assert not found.fits and found.instead == Load(context=4096, batch=16)
    assert asked(tiny, found.instead, free).fits


def test_training_is_first_told_to_checkpoint(tiny):
    load = Load(context=512, batch=8, train=True)
    free = needed(sizes_of(tiny.path), replace(load, checkpointing=True)) * MARGIN
    assert asked(tiny, load, free).instead == replace(load, checkpointing=True)


def test_where_nothing_fits_nothing_is_proposed(tiny):
    assert asked(tiny, Load(context=512, batch=8, train=True), 1000).instead is None


def test_a_model_that_does_not_say_its_sizes_is_not_estimated(tmp_path):
    bare = resolve(str(weights.gguf(tmp_path / "a.gguf")), tmp_path)
    with pytest.raises(ModelError, match="how large its layers"):
        asked(bare, Load(context=512, batch=8, train=True), 10**12)


def test_the_command_says_what_is_needed_what_is_free_and_what_would_fit(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(fitting, "free_memory", lambda: ("memory", 900_000_000))
    path = weights.gguf(tmp_path / "a.gguf", llama__feed_forward_length=128)
    for load, last in (
        ("--batch 1", "fits"),
        ("--train --length 9999 --batch 100", "gradient checkpointing"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["models", "fit", str(path), *load.split()])
        said = capsys.readouterr().out.strip()
        assert ended.value.code == 0 and said.endswith(last) and "GiB of memory are free" in said


def test_free_memory_is_read_here():
    where, free = fitting.free_memory()
    assert where in ("memory", "GPU memory") and free > 0
