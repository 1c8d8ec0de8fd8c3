"""What fits: the formula follows its parts, and what is proposed instead fits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.errors import ModelError
from localfair.machine.hardware import free_memory
from localfair.models import Model, resolve
from localfair.models.fit import (
    MARGIN,
    PROCESSOR,
    PROCESSOR_FP32,
    Fit,
    Load,
    Sizes,
    fit,
    lighter,
    memory_needed,
    needed,
    sizes_of,
    to_serve,
    to_train,
)
from tests.models.weights import gguf, safetensors

MIB = 2**20
# From the headers of SmolLM2-135M-Instruct in Q4_1, Qwen2.5-Coder-0.5B-Instruct in Q4_K_M and
# TinyLlama in IQ2_XXS; the peaks are those of models/README.md, in MiB.
SMOL = Sizes(
    weights=98362432,
    kv=23040,
    layers=30,
    width=576,
    feed_forward=1536,
    queries=576,
    keys=192,
    vocabulary=49152,
    tied=True,
)
QWEN = Sizes(
    weights=491400064,
    kv=12288,
    layers=24,
    width=896,
    feed_forward=4864,
    queries=896,
    keys=128,
    vocabulary=151936,
    tied=False,
)
TINY_LLAMA = Sizes(
    weights=322591712,
    kv=22528,
    layers=22,
    width=2048,
    feed_forward=5632,
    queries=2048,
    keys=256,
    vocabulary=32000,
    tied=False,
)
# sizes, context, sequences, peak
SERVED = [
    (SMOL, 512, 1, 189),
    (SMOL, 2048, 16, 903),
    (QWEN, 512, 1, 632),
    (QWEN, 2048, 16, 1050),
    (TINY_LLAMA, 2048, 4, 596),
]
# sizes, length, batch, rank, checkpointing, peak
TRAINED = [
    (SMOL, 128, 4, 16, False, 1653),
    (SMOL, 256, 8, 16, False, 3960),
    (SMOL, 256, 4, 64, False, 2674),
    (SMOL, 256, 8, 16, True, 2398),
    (QWEN, 256, 4, 16, False, 4607),
    (QWEN, 256, 4, 16, True, 3433),
    (TINY_LLAMA, 64, 1, 16, True, 3711),
    (TINY_LLAMA, 128, 8, 16, False, 6812),
]
# length, batch, peak of SmolLM2
TRAINED_IN_FP32 = [
    (64, 1, 1278),
    (128, 4, 1976),
    (256, 4, 3345),
    (256, 8, 5712),
]


@pytest.mark.parametrize(("sizes", "context", "sequences", "peak"), SERVED)
def test_serving_is_estimated_within_a_fifth_of_what_was_measured(sizes, context, sequences, peak):
    estimate = to_serve(sizes, context, sequences) / MIB
    assert 0.8 < estimate / peak < 1.2


@pytest.mark.parametrize(("sizes", "length", "batch", "rank", "checkpointing", "peak"), TRAINED)
def test_training_is_estimated_within_a_third_of_what_was_measured(
    sizes, length, batch, rank, checkpointing, peak
):
    estimate = to_train(sizes, length, batch, rank, checkpointing=checkpointing) / MIB
    assert 0.8 < estimate / peak < 1.33


@pytest.mark.parametrize(("length", "batch", "peak"), TRAINED_IN_FP32)
def test_training_in_fp32_is_estimated_within_a_fifth_of_what_was_measured(length, batch, peak):
    estimate = to_train(SMOL, length, batch, 16, step=PROCESSOR_FP32) / MIB
    assert 0.8 < estimate / peak < 1.2


def test_parameters_are_counted_from_widths():
    assert SMOL.linear == 106_168_320
    assert SMOL.outer == 28_311_552
    one_rank_more = to_train(SMOL, 512, 8, 17) - to_train(SMOL, 512, 8, 16)
    assert one_rank_more == pytest.approx(PROCESSOR.lora * SMOL.per_rank, abs=1)


def test_an_output_layer_of_its_own_counts_beside_the_embedding():
    untied = replace(SMOL, tied=False)
    assert untied.outer == 2 * SMOL.outer


def test_headers_tell_the_sizes(tmp_path: Path):
    path = gguf(tmp_path / "a.gguf", llama__feed_forward_length=128)
    assert sizes_of(path) == Sizes(
        weights=path.stat().st_size,
        kv=2 * 2 * 2 * (16 + 16),
        layers=2,
        width=64,
        feed_forward=128,
        queries=64,
        keys=32,
        vocabulary=4,
        tied=True,
    )


def test_a_folder_tells_the_same_as_a_gguf(tmp_path: Path):
    folder = safetensors(tmp_path / "folder")
    config = json.loads((folder / "config.json").read_text())
    config.update(intermediate_size=128, vocab_size=4, tie_word_embeddings=True)
    (folder / "config.json").write_text(json.dumps(config))
    of_gguf = sizes_of(gguf(tmp_path / "a.gguf", llama__feed_forward_length=128))
    assert replace(sizes_of(folder), weights=0) == replace(of_gguf, weights=0)


def test_memory_grows_with_the_cache_of_every_token(tmp_path: Path):
    model = resolve(str(gguf(tmp_path / "a.gguf")), tmp_path)
    grown = memory_needed(model, 100, 3) - memory_needed(model, 0, 0)
    assert grown == 300 * 2 * 2 * 2 * (16 + 16)


@pytest.mark.parametrize(
    "load", [Load(context=4096, batch=64), Load(context=1024, batch=32, train=True)], ids=str
)
def test_each_lighter_load_needs_less(load: Load):
    steps = [needed(QWEN, other) for other in (load, *lighter(load))]
    assert steps == sorted(steps, reverse=True)
    assert len(steps) > 5
    assert steps[-1] < steps[0] / 3


def test_a_load_tells_what_is_asked():
    assert str(Load(context=2048, batch=16)) == "context 2048, 16 at once"
    training = Load(context=512, batch=8, train=True, checkpointing=True)
    assert str(training) == "length 512, batch 8, rank 16, bf16, gradient checkpointing"


@pytest.fixture
def tiny(tmp_path: Path) -> Model:
    path = gguf(tmp_path / "tiny.gguf", llama__feed_forward_length=128)
    return resolve(str(path), tmp_path)


def fit_with(free: float, model: Model, load: Load) -> Fit:
    return fit(model, load, lambda: ("memory", int(free)))


def test_a_load_that_fits_needs_no_other(tiny: Model):
    answer = fit_with(10**12, tiny, Load(context=4096, batch=64))
    assert answer.fits
    assert answer.instead is None


def test_what_is_proposed_instead_fits_and_is_the_least_change(tiny: Model):
    enough_for_20 = needed(sizes_of(tiny.path), Load(context=4096, batch=20)) * MARGIN
    answer = fit_with(enough_for_20, tiny, Load(context=4096, batch=64))
    assert not answer.fits
    assert answer.instead == Load(context=4096, batch=16)
    assert fit_with(enough_for_20, tiny, answer.instead).fits


def test_training_is_first_told_to_checkpoint(tiny: Model):
    load = Load(context=512, batch=8, train=True)
    checkpointing = replace(load, checkpointing=True)
    free = needed(sizes_of(tiny.path), checkpointing) * MARGIN + 1
    assert fit_with(free, tiny, load).instead == checkpointing


def test_where_nothing_fits_nothing_is_proposed(tiny: Model):
    answer = fit_with(1000, tiny, Load(context=512, batch=8, train=True))
    assert not answer.fits
    assert answer.instead is None


def test_a_model_that_does_not_say_its_sizes_is_not_estimated(tmp_path: Path):
    bare = resolve(str(gguf(tmp_path / "a.gguf")), tmp_path)
    with pytest.raises(ModelError, match="how large its layers"):
        fit_with(10**12, bare, Load(context=512, batch=8, train=True))


def test_the_memory_looked_at_is_this_machines(tiny: Model):
    answer = fit(tiny, Load(context=512, batch=1))
    name, _ = free_memory()
    assert answer.memory == name
    assert answer.free > 0
