"""What only a GPU can show; skips without one. Results that were measured are in tests/gpu/README.md."""

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def lessons(count=32):
    from localfair.record.nouns import Message
    from localfair.training.encode import encode
    from localfair.training.trainer import Example
    from tests import tiny

    words = tiny.tokenizer()
    texts = ((f"There are {n} pens in each box.", f"The answer is {n}.") for n in range(count))
    return [
        Example(encode(words, (Message("user", ask),), reply, 512), "rationale")
        for ask, reply in texts
    ]


def test_nf4_trains_on_cuda_and_its_adapter_is_read_back(tmp_path, tiny_student):
    from localfair.engines import open_engine
    from localfair.record.nouns import Message, Request, Sampling
    from localfair.training.qlora import TrainSettings, train
    from tests import tiny

    settings = TrainSettings(
        terms=(("rationale", 1.0),),
        learning_rate=1e-2,
        epochs=10,
        batch_size=8,
        quantise="nf4",
        seed=0,
    )
    result = train(tiny_student, lessons(), tmp_path / "adapter", settings)
    losses = [loss for _, loss, _ in result.curve]
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    assert result.peak_bytes > 0
    asked = [
        Request(messages=(Message("user", "How many pens?"),), sampling=Sampling(max_tokens=8))
    ]
    for precision in ("nf4", "bf16"):
        engine = open_engine(
            "transformers",
            tiny.model(path=tiny_student),
            precision=precision,
            adapter=tmp_path / "adapter",
            adapter_id="a",
        )
        (reply,) = engine.generate(asked)
        assert reply.completion_tokens > 0
        engine.close()


def test_a_dense_base_trains_on_cuda_as_on_the_cpu_to_rounding(tmp_path, tiny_student):
    from localfair.training.qlora import TrainSettings, train

    settings = TrainSettings(
        terms=(("rationale", 1.0),),
        learning_rate=1e-3,
        epochs=1,
        batch_size=8,
        quantise="none",
        compute="fp32",
    )
    first = train(tiny_student, lessons(), tmp_path / "a", settings).curve[0][1]
    from localfair.models.loading import load_causal_lm
    from localfair.training.losses import token_losses
    from localfair.training.trainer import collate

    model = load_causal_lm(tiny_student, "fp32").cpu()
    batch = collate(lessons(), ("rationale",))
    losses = token_losses(
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits,
        batch["labels"],
    )
    assert abs(first - losses[losses > 0].mean().item()) < 0.5  # a batch of 8 of the 32


def beside(made, folder):
    """The lessons with soft labels of a mentor that runs on the GPU, and each with a contrast."""
    from dataclasses import replace

    from localfair.models.loading import load_causal_lm
    from localfair.record.nouns import Message
    from localfair.training.encode import contrast
    from localfair.training.soft_labels import soften
    from tests import tiny

    ask, texts = (
        (Message("user", "How many pens?"),),
        ("There are 60.", "60 pens, so 60.", "I do not know."),
    )
    mentor = load_causal_lm(tiny.build(folder / "mentor", seed=3), "bf16").eval()
    labels = soften(mentor, [one.encoded for one in made], k=8, vocabulary=300, tau=1.0)
    third = contrast(tiny.tokenizer(), ask, texts, 64)
    return [replace(one, soft=soft, contrast=third) for one, soft in zip(made, labels, strict=True)]


@pytest.mark.parametrize(
    "terms", [(("rationale", 0.7), ("kl", 0.3)), (("rationale", 1.0), ("triplet", 0.5))]
)
def test_soft_labels_and_triplets_train_in_nf4_on_cuda_and_layers_are_recomputed(
    tmp_path, tiny_student, terms
):
    from localfair.training.qlora import TrainSettings, train

    settings = TrainSettings(
        terms=terms,
        learning_rate=1e-2,
        epochs=6,
        batch_size=8,
        vocabulary=300,
        gradient_checkpointing=True,
    )
    result = train(tiny_student, beside(lessons(), tmp_path), tmp_path / "adapter", settings)
    losses = [loss for _, loss, _ in result.curve]
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])


def test_a_training_on_cuda_goes_on_from_its_last_checkpoint(tmp_path, tiny_student):
    from localfair.training.qlora import TrainSettings, train

    settings = TrainSettings(
        terms=(("rationale", 1.0),), epochs=2, batch_size=8, checkpoint_every=2
    )
    whole = train(tiny_student, lessons(), tmp_path / "whole", settings)

    def interrupt(step):
        if step["step"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_student, lessons(), tmp_path / "cut", settings, interrupt)
    resumed = train(tiny_student, lessons(), tmp_path / "cut", settings)
    assert [loss for _, loss, _ in resumed.curve] == pytest.approx(
        [loss for _, loss, _ in whole.curve], rel=1e-3
    )


@pytest.mark.skipif(
    "LOCALFAIR_TEST_STUDENT" not in os.environ, reason="no folder of a student's safetensors"
)
def test_the_peak_of_a_real_nf4_training_is_what_fit_says(tmp_path):
    from localfair.models.chat import load_tokenizer
    from localfair.models.fit import sizes_of, to_train
    from localfair.record.nouns import Message
    from localfair.training.encode import encode
    from localfair.training.qlora import TrainSettings, train
    from localfair.training.trainer import Example

    folder = Path(os.environ["LOCALFAIR_TEST_STUDENT"])
    words, ask = load_tokenizer(folder), (Message("user", "How many pens are there?"),)
    taught = [
        encode(words, ask, "There are twelve pens in a box. " * 25 + str(n), 512) for n in range(16)
    ]
    settings = TrainSettings(terms=(("rationale", 1.0),), rank=16, batch_size=4, quantise="nf4")
    result = train(
        folder, [Example(one, "rationale") for one in taught], tmp_path / "adapter", settings
    )
    said = to_train(sizes_of(folder), max(len(one.input_ids) for one in taught), 4, 16)
    print(
        f"peak {result.peak_bytes / 2**20:.0f} MiB, fit {said / 2**20:.0f}, {result.tokens_per_second:.0f} tokens/s"
    )
    assert 0.5 < result.peak_bytes / said < 1.3
