"""A tiny base, lessons for it, and the same with everything that the four methods learn from."""

from dataclasses import replace

import pytest

from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message
from localfair.training.encode import contrast, encode
from localfair.training.soft_labels import soften
from localfair.training.trainer import Example
from tests import tiny


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def lessons():
    """Sixteen of uneven length; in the first eight, one feedback: most micro-batches have none."""
    words, made = tiny.tokenizer(), []
    for i in range(16):
        prompt = (Message("user", f"How many pens are there in {i} boxes?"),)
        encoded = encode(words, prompt, "There are " + "12 pens and " * (i % 5) + f"{i}.", 256)
        made.append(Example(encoded, "feedback" if i % 5 == 0 else "rationale"))
    return made


@pytest.fixture(scope="session")
def taught(base, lessons):
    """The lessons with a mentor's soft labels (top 5), and those of three questions in two with a contrast."""
    mentor = load_causal_lm(tiny.build(base.parent / "mentor", seed=3), "fp32").eval()
    labels = soften(mentor, [one.encoded for one in lessons], k=5, vocabulary=300, tau=2.0)
    words, made = tiny.tokenizer(), []
    for i, (one, soft) in enumerate(zip(lessons, labels, strict=True)):
        texts = (f"There are {i}.", "12 " * (i % 3 + 1) + f"makes {i}.", "I do not know.")
        beside = contrast(words, (Message("user", f"How many pens in {i % 4} boxes?"),), texts, 64)
        made.append(
            replace(
                one,
                term="rationale",
                soft=soft,
                contrast=beside if i % 3 else None,
                question=str(i % 4),
            )
        )
    return made
