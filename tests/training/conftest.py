"""A tiny base, lessons for it, and the same with everything that the four methods learn from."""

from dataclasses import replace

import pytest

from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message
from localfair.training.encode import contrast, encode
from localfair.training.soft_labels import soften
from localfair.training.trainer import Example
from tests import tiny
from tests.training.forking import Forking


@pytest.fixture(scope="session")
def forking(tmp_path_factory):
    """A process that has imported the training, to be forked."""
    process = Forking(tmp_path_factory.mktemp("forking"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def lessons():
    """Sixteen of uneven length; in the first eight, one feedback: most micro-batches have none."""
    tokenizer = tiny.tokenizer()
    examples = []
    for i in range(16):
        prompt = (Message("user", f"How many pens are there in {i} boxes?"),)
        reply = "There are " + "12 pens and " * (i % 5) + f"{i}."
        encoded = encode(tokenizer, prompt, reply, 256)
        examples.append(Example(encoded, "feedback" if i % 5 == 0 else "rationale"))
    return examples


@pytest.fixture(scope="session")
def taught(base, lessons):
    """The lessons with a mentor's soft labels (top 5), and those of three questions in two with a contrast."""
    mentor = load_causal_lm(tiny.build(base.parent / "mentor", seed=3), "fp32").eval()
    encoded = [lesson.encoded for lesson in lessons]
    labels = soften(mentor, encoded, k=5, vocabulary=300, tau=2.0)
    examples = []
    for i, (lesson, soft) in enumerate(zip(lessons, labels, strict=True)):
        example = replace(lesson, term="rationale", soft=soft, question=str(i % 4))
        if i % 3:
            example = replace(example, contrast=contrast_of(i))
        examples.append(example)
    return examples


def contrast_of(i):
    """A right rationale, another of another length, and a mistake."""
    prompt = (Message("user", f"How many pens in {i % 4} boxes?"),)
    texts = (f"There are {i}.", "12 " * (i % 3 + 1) + f"makes {i}.", "I do not know.")
    return contrast(tiny.tokenizer(), prompt, texts, 64)
