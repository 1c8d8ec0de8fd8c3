"""What only a GPU can show; skips without one. Results that were measured are in tests/gpu/README.md."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from localfair.engines import transformers as engine
from localfair.models.chat import load_tokenizer
from localfair.models.fit import CARD, sizes_of, to_train
from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message, Request, Sampling
from localfair.training.encode import contrast, encode
from localfair.training.losses import cross_entropy, predicts
from localfair.training.qlora import TrainSettings, train
from localfair.training.soft_labels import soften
from localfair.training.trainer import Example, collate
from tests import tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

ASK = (Message("user", "How many pens?"),)
SETTINGS = TrainSettings(terms=(("rationale", 1.0),), learning_rate=1e-2, batch_size=8)


@pytest.fixture(scope="module")
def lessons():
    tokenizer = tiny.tokenizer()
    examples = []
    for number in range(32):
        prompt = (Message("user", f"There are {number} pens in each box?"),)
        encoded = encode(tokenizer, prompt, f"The answer is {number}.", 512)
        examples.append(Example(encoded, "rationale"))
    return examples


@pytest.fixture(scope="module")
def taught(lessons, tmp_path_factory):
    """The lessons with soft labels of a mentor that runs on the GPU, and each with a contrast."""
    folder = tiny.build(tmp_path_factory.mktemp("mentor"), seed=3)
    mentor = load_causal_lm(folder, "bf16").eval()
    encoded = [lesson.encoded for lesson in lessons]
    labels = soften(mentor, encoded, k=8, vocabulary=300, tau=1.0)
    texts = ("There are 60.", "60 pens, so 60.", "I do not know.")
    replies = contrast(tiny.tokenizer(), ASK, texts, 64)
    examples = []
    for lesson, soft in zip(lessons, labels, strict=True):
        examples.append(replace(lesson, soft=soft, contrast=replies))
    return examples


def losses(result):
    return [loss for _, loss, _ in result.curve]


def test_nf4_trains_on_cuda_and_its_adapter_is_read_back(tmp_path, tiny_student, lessons):
    settings = replace(SETTINGS, epochs=10)
    result = train(tiny_student, lessons, tmp_path / "adapter", settings)
    assert sum(losses(result)[-4:]) < 0.7 * sum(losses(result)[:4])
    assert result.peak_bytes > 0
    request = Request(messages=ASK, sampling=Sampling(max_tokens=8))
    for precision in ("nf4", "bf16"):
        backend = engine.open(
            tiny.model(),
            folder=tiny_student,
            precision=precision,
            adapter=tmp_path / "adapter",
            adapter_id="a",
        )
        (reply,) = backend.generate([request])
        assert reply.completion_tokens > 0
        backend.close()


def test_a_dense_base_trains_on_cuda_as_on_the_cpu_to_rounding(tmp_path, tiny_student, lessons):
    settings = replace(SETTINGS, learning_rate=1e-3, quantise="none", compute="fp32")
    result = train(tiny_student, lessons, tmp_path / "a", settings)
    model = load_causal_lm(tiny_student, "fp32").cpu()
    batch = collate(lessons, ("rationale",))
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    keep = predicts(batch["labels"])
    on_cpu = cross_entropy(logits[keep], batch["labels"].roll(-1, 1)[keep]).mean().item()
    assert abs(losses(result)[0] - on_cpu) < 0.5  # a batch of 8 of the 32


@pytest.mark.parametrize(
    "terms", [(("rationale", 0.7), ("kl", 0.3)), (("rationale", 1.0), ("triplet", 0.5))]
)
def test_soft_labels_and_triplets_train_in_nf4_on_cuda_and_layers_are_recomputed(
    tmp_path, tiny_student, taught, terms
):
    settings = replace(SETTINGS, terms=terms, epochs=6, vocabulary=300, gradient_checkpointing=True)
    result = train(tiny_student, taught, tmp_path / "adapter", settings)
    assert sum(losses(result)[-4:]) < 0.8 * sum(losses(result)[:4])


def test_a_training_on_cuda_goes_on_from_its_last_checkpoint(tmp_path, tiny_student, lessons):
    settings = replace(SETTINGS, learning_rate=1e-4, epochs=2, checkpoint_every=2)
    whole = train(tiny_student, lessons, tmp_path / "whole", settings)

    def interrupt(step):
        if step.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_student, lessons, tmp_path / "cut", settings, interrupt)
    resumed = train(tiny_student, lessons, tmp_path / "cut", settings)
    assert losses(resumed) == pytest.approx(losses(whole), rel=1e-3)


@pytest.mark.skipif(
    "LOCALFAIR_TEST_STUDENT" not in os.environ, reason="no folder of a student's safetensors"
)
def test_the_peak_of_a_real_nf4_training_is_what_fit_says(tmp_path):
    folder = Path(os.environ["LOCALFAIR_TEST_STUDENT"])
    tokenizer = load_tokenizer(folder)
    prompt = (Message("user", "How many pens are there?"),)
    examples = []
    for number in range(16):
        reply = "There are twelve pens in a box. " * 25 + str(number)
        examples.append(Example(encode(tokenizer, prompt, reply, 512), "rationale"))
    settings = TrainSettings(terms=(("rationale", 1.0),), rank=16, batch_size=4, quantise="nf4")
    result = train(folder, examples, tmp_path / "adapter", settings)
    longest = max(example.encoded.length for example in examples)
    expected = to_train(sizes_of(folder), longest, 4, 16, step=CARD)
    print(
        f"peak {result.peak_bytes / 2**20:.0f} MiB, fit {expected / 2**20:.0f},"
        f" {result.tokens_per_second:.0f} tokens/s"
    )
    assert 0.5 < result.peak_bytes / expected < 1.3
