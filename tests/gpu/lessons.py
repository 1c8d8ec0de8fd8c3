"""Lessons for the trainings: word problems that localfair generates, with their solutions.

Reads a base's tokenizer; writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from localfair.models.chat import load_tokenizer
from localfair.record.nouns import Message
from localfair.tasks import get_task
from localfair.training.encode import Encoded, encode
from localfair.training.losses import IGNORE
from localfair.training.trainer import Example

TERM = "rationale"
LONGEST = 512  # tokens


def lessons(base: Path, count: int) -> list[Example]:
    """`count` three-step problems of the train split, asked and solved."""
    tokenizer = load_tokenizer(base)
    encoded = []
    for question in get_task("arithmetic-3").generate().questions:
        if len(encoded) == count:
            break
        if question.split != "train":
            continue
        prompt = (Message("user", question.text),)
        lesson = encode(tokenizer, prompt, question.rationale, LONGEST)
        if isinstance(lesson, Encoded):  # else it is too long
            encoded.append(Example(lesson, TERM))
    assert len(encoded) == count, len(encoded)
    return encoded


def of_length(tokens: int, count: int, vocabulary: int) -> list[Example]:
    """`count` lessons of exactly so many tokens, the second half of each a reply."""
    examples = []
    for number in range(count):
        ids = tuple((number + 7 * place) % vocabulary for place in range(tokens))
        half = tokens // 2
        labels = (IGNORE,) * half + ids[half:]
        examples.append(Example(Encoded(ids, labels), TERM))
    return examples
