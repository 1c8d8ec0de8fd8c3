"""A lesson's words to its tokens and labels; the only place that builds labels.

Reads chat messages and a completion through a tokenizer's own chat template and writes nothing. Knows
nothing of the store, of recipes or of models. A backend asks the same `prompt_ids` at an exam, so what
a model is trained to continue is, token for token, what it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localfair.models.chat import _as_text, _control_text, _render, end_of_turn, prompt_ids
from localfair.record.nouns import Message
from localfair.training.losses import IGNORE


@dataclass(frozen=True, slots=True)
class Encoded:
    """One lesson: token ids and, for each, its label: the id itself or IGNORE. Never padded, never cut."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def supervised(self) -> int:
        """How many tokens it teaches."""
        return sum(label != IGNORE for label in self.labels)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A lesson that cannot be used, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Contrast:
    """Three rationales to one prompt, as token ids without an end of turn: the lesson's, a right one, a mistake."""

    prompt: tuple[int, ...]
    anchor: tuple[int, ...]
    positive: tuple[int, ...]
    negative: tuple[int, ...]


def encode(
    tokenizer: Any, messages: tuple[Message, ...], completion: str, max_length: int
) -> Encoded | Dropped:
    """The prompt masked, the completion and the token that ends the turn supervised (ours).

    Dropped when the completion is empty, holds the text of a control token, or makes more than
    `max_length` tokens. Raises TrainingError when the tokenizer has no chat template.
    """
    if not completion.strip():
        return Dropped("the completion is empty")
    if found := _control_text(tokenizer, completion):
        return Dropped(f"the completion holds the control token {found}")
    prompt = prompt_ids(tokenizer, messages)
    reply = _reply_ids(tokenizer, messages, completion, prompt)
    length = len(prompt) + len(reply)
    if length > max_length:
        return Dropped(f"{length} tokens long, at most {max_length} are allowed")
    return Encoded((*prompt, *reply), (*[IGNORE] * len(prompt), *reply))


def contrast(
    tokenizer: Any, messages: tuple[Message, ...], texts: tuple[str, str, str], max_tokens: int
) -> Contrast | Dropped:
    """Anchor, positive and negative (tailored learning, arXiv 2310.13332), each of at most `max_tokens`.

    Dropped, and so masked, when one of them is no lesson or is longer: none is cut.
    """
    prompt = tuple(prompt_ids(tokenizer, messages))
    replies: list[tuple[int, ...]] = []
    for text in texts:
        encoded = encode(tokenizer, messages, text, len(prompt) + max_tokens + 1)
        if isinstance(encoded, Dropped):
            return encoded
        replies.append(encoded.input_ids[len(prompt) : -1])
    return Contrast(prompt, *replies)


def preview(tokenizer: Any, encoded: Encoded) -> str:
    """The lesson as text, each supervised stretch between ⟦ and ⟧."""
    text, start = "", 0
    taught = [label != IGNORE for label in encoded.labels]
    for stop in range(1, len(taught) + 1):
        if stop == len(taught) or taught[stop] != taught[start]:
            words = tokenizer.decode(encoded.input_ids[start:stop], skip_special_tokens=False)
            text += f"⟦{words}⟧" if taught[start] else words
            start = stop
    return text


def _reply_ids(
    tokenizer: Any, messages: tuple[Message, ...], completion: str, prompt: list[int]
) -> list[int]:
    """The completion's tokens and the end of the turn, nothing after it.

    As the template writes them where that continues the prompt and reads back as the completion (the round
    trip), else the completion's own tokens and the end token.
    """
    end = end_of_turn(tokenizer)
    turns = [Message(m.role, _as_text(tokenizer, m.content)) for m in messages]
    full = _render(tokenizer, [*turns, Message("assistant", completion)], False)
    reply = full[len(prompt) :]
    if full[: len(prompt)] == prompt and end in reply:
        reply = reply[: reply.index(end) + 1]
        if tokenizer.decode(reply[:-1]).strip() == completion.strip():
            return reply
    return [*tokenizer(completion, add_special_tokens=False).input_ids, end]
