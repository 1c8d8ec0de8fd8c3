"""A lesson's words to its tokens and labels; the only place that builds labels.

Reads chat messages and a completion through a tokenizer's own chat template and writes nothing. Knows
nothing of the store, of recipes or of models. A backend asks the same `prompt_ids` at an exam, so what
a model is trained to continue is, token for token, what it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.backends.chat_text import as_text
from localfair.errors import TrainingError
from localfair.losses import IGNORE
from localfair.records import Message


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


def load_tokenizer(folder: Path, chat_template: str | None = None) -> Any:
    """The tokenizer of a safetensors folder, never from the network; `chat_template` goes before its own."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.chat_template = chat_template or tokenizer.chat_template
    return tokenizer


def encode(tokenizer: Any, messages: tuple[Message, ...], completion: str, max_length: int) -> Encoded | Dropped:
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


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens a model is asked to continue: the chat template with its opening of the reply.

    Control tokens come from the template alone: where a message's own text spells one, a space after its
    first character keeps it text, so that a quoted answer cannot end its turn (ours).
    """
    return _render(tokenizer, [Message(m.role, _as_text(tokenizer, m.content)) for m in messages], True)


def end_of_turn(tokenizer: Any) -> int:
    """The token that ends an assistant's turn: what a model must learn to say and an engine stops on.

    Read out of the template: the first control token after a reply's text; else the tokenizer's eos.
    """
    opening = [Message("user", "a")]
    prompt = _render(tokenizer, opening, True)
    full = _render(tokenizer, [*opening, Message("assistant", "b")], False)
    after = full[len(prompt) :] if full[: len(prompt)] == prompt else full[-3:]
    found = next((i for i in after if i in _control_ids(tokenizer)), tokenizer.eos_token_id)
    if found is None:
        raise TrainingError(
            "the tokenizer names no token that ends a turn", "a lesson must teach the model where to stop"
        )
    return int(found)


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


def _reply_ids(tokenizer: Any, messages: tuple[Message, ...], completion: str, prompt: list[int]) -> list[int]:
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


def _render(tokenizer: Any, messages: Sequence[Message], opens_reply: bool) -> list[int]:
    """The chat template's tokens; it writes its own beginning-of-text token, no second one is added."""
    if not tokenizer.chat_template:
        raise TrainingError("the tokenizer has no chat template", "use an instruction-tuned model, or add its template")
    turns = [{"role": m.role, "content": m.content} for m in messages]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=opens_reply, tokenize=True, return_dict=False)
    return [int(i) for i in ids]


def _control_tokens(tokenizer: Any) -> dict[int, str]:
    return {i: str(t) for i, t in tokenizer.added_tokens_decoder.items() if t.special and len(str(t)) > 1}


def _control_ids(tokenizer: Any) -> set[int]:
    return {*_control_tokens(tokenizer), *tokenizer.all_special_ids}


def _control_text(tokenizer: Any, text: str) -> str | None:
    """The first control token that the text spells out."""
    return next((token for token in _control_tokens(tokenizer).values() if token in text), None)


def _as_text(tokenizer: Any, text: str) -> str:
    return as_text(tuple(_control_tokens(tokenizer).values()), text)
