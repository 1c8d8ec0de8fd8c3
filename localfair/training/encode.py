"""A lesson's words to its tokens and labels; the only place that builds labels.

Reads chat messages and a completion through a tokenizer's own chat template and writes nothing.
Knows nothing of the store, of recipes or of models. An engine asks the same `prompt_ids` at an
exam, so what a model is trained to continue is, token for token, what it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from localfair.models.chat import (
    end_of_turn,
    prompt_ids,
    render_ids,
    spelt_control_token,
)
from localfair.record.nouns import Message, content_id
from localfair.training.losses import IGNORE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Encoded:
    """One lesson: token ids, and for each a label: the id or IGNORE. Never padded, never cut."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def id(self) -> str:
        """The hash of token ids and labels; the record keeps soft labels under it."""
        return content_id("tokens", ids=list(self.input_ids), labels=list(self.labels))

    @property
    def length(self) -> int:
        """How many tokens prompt and reply have together."""
        return len(self.input_ids)

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
    """Three rationales to one prompt: the lesson's, another right one, a mistake.

    As token ids, without an end of turn.
    """

    prompt: tuple[int, ...]
    anchor: tuple[int, ...]
    positive: tuple[int, ...]
    negative: tuple[int, ...]

    @property
    def id(self) -> str:
        """The hash of its token ids."""
        return content_id(
            "contrast",
            prompt=list(self.prompt),
            anchor=list(self.anchor),
            positive=list(self.positive),
            negative=list(self.negative),
        )


def encode(
    tokenizer: PreTrainedTokenizerBase,
    messages: tuple[Message, ...],
    completion: str,
    max_length: int,
) -> Encoded | Dropped:
    """The prompt masked, the completion and the token that ends the turn supervised (ours).

    Dropped when the completion is empty, holds the text of a control token, or makes more than
    `max_length` tokens. Raises TrainingError when the tokenizer has no chat template.
    """
    if not completion.strip():
        return Dropped("the completion is empty")
    control_token = spelt_control_token(tokenizer, completion)
    if control_token:
        return Dropped(f"the completion holds the control token {control_token}")
    prompt = prompt_ids(tokenizer, messages)
    reply = _reply_ids(tokenizer, messages, completion, prompt)
    length = len(prompt) + len(reply)
    if length > max_length:
        return Dropped(f"{length} tokens long, at most {max_length} are allowed")
    masked = [IGNORE] * len(prompt)
    return Encoded(input_ids=(*prompt, *reply), labels=(*masked, *reply))


def contrast(
    tokenizer: PreTrainedTokenizerBase,
    messages: tuple[Message, ...],
    texts: tuple[str, str, str],
    max_tokens: int,
) -> Contrast | Dropped:
    """Anchor, positive and negative, each of at most `max_tokens`.

    Tailored learning (arXiv 2310.13332). Dropped when one of them is no lesson or is longer: none
    is cut.
    """
    prompt = tuple(prompt_ids(tokenizer, messages))
    replies: list[tuple[int, ...]] = []
    for text in texts:
        longest = len(prompt) + max_tokens + 1  # one for the end of the turn
        encoded = encode(tokenizer, messages, text, longest)
        if isinstance(encoded, Dropped):
            return encoded
        replies.append(encoded.input_ids[len(prompt) : -1])
    return Contrast(prompt, *replies)


def preview(tokenizer: PreTrainedTokenizerBase, encoded: Encoded) -> str:
    """The lesson as text, each supervised stretch between ⟦ and ⟧."""
    text = ""
    start = 0
    for supervised, labels in groupby(encoded.labels, key=lambda label: label != IGNORE):
        stop = start + len(list(labels))
        stretch = tokenizer.decode(encoded.input_ids[start:stop], skip_special_tokens=False)
        text += f"⟦{stretch}⟧" if supervised else stretch
        start = stop
    return text


def _reply_ids(
    tokenizer: PreTrainedTokenizerBase,
    messages: tuple[Message, ...],
    completion: str,
    prompt: list[int],
) -> list[int]:
    """The completion's tokens and the end of the turn, nothing after it.

    As the template writes them where that continues the prompt and reads back as the completion
    (the round trip), else the completion's own tokens and the end token.
    """
    end = end_of_turn(tokenizer)
    conversation = render_ids(tokenizer, [*messages, Message("assistant", completion)], False)
    reply = conversation[len(prompt) :]
    if conversation[: len(prompt)] == prompt and end in reply:
        reply = reply[: reply.index(end) + 1]
        if tokenizer.decode(reply[:-1]).strip() == completion.strip():
            return reply
    own = tokenizer(completion, add_special_tokens=False).input_ids
    return [*own, end]
