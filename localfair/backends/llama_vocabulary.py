"""A llama.cpp model's words: its chat template, its tokens, their bytes.

Reads a loaded model's vocabulary and a template. Knows nothing of contexts, samplers or files.
"""

from __future__ import annotations

import ctypes
from typing import Any

from jinja2 import TemplateError
from llama_cpp import llama_cpp as low
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from localfair.errors import BackendError, ModelError
from localfair.records import Request

PIECE_BYTES = 256
CONTROL = low.LLAMA_TOKEN_ATTR_CONTROL | low.LLAMA_TOKEN_ATTR_UNKNOWN


class Vocabulary:
    """Of one loaded model; `name` is what messages call it. Raises ModelError for a template that is not Jinja."""

    def __init__(self, model: Any, name: str, template: str) -> None:
        self.name = name
        self.pointer = low.llama_model_get_vocab(model)
        self._control = _control_texts(self.pointer)
        self._format = self._formatter(template)

    def prompt(self, request: Request) -> list[int]:
        """The tokens of the chat template's text. Control tokens come from the template alone (see `_as_text`)."""
        messages: Any = [{"role": m.role, "content": _as_text(self._control, m.content)} for m in request.messages]
        try:
            text = str(self._format(messages=messages).prompt)
        except (TemplateError, ValueError, TypeError) as error:
            raise BackendError(
                f"the chat template of {self.name} refuses {request.about or 'a prompt'}: {error}",
                "some templates take no system message",
            ) from error
        return self.tokens(text.encode())

    def tokens(self, text: bytes, special: bool = True) -> list[int]:
        """A prompt's tokens, control tokens and all; without `special` those of a text in the midst of one."""
        tokens = (low.llama_token * (len(text) + 8))()
        # the template writes the beginning-of-text token itself where the model has one
        add_bos = special and low.llama_vocab_get_add_bos(self.pointer) and not self._begins_with_bos(text)
        count = low.llama_tokenize(self.pointer, text, len(text), tokens, len(tokens), add_bos, special)
        assert count > 0, count
        return list(tokens[:count])

    def ends(self, token: int) -> bool:
        """Whether a token ends a turn."""
        return bool(low.llama_vocab_is_eog(self.pointer, token))

    def piece(self, token: int, special: bool = False) -> bytes:
        """A token's bytes; none for a control token unless `special`."""
        size = PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = low.llama_token_to_piece(self.pointer, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def _formatter(self, template: str) -> Jinja2ChatFormatter:
        bos, eos = (
            self.piece(token, special=True).decode(errors="replace") if token >= 0 else ""
            for token in (low.llama_vocab_bos(self.pointer), low.llama_vocab_eos(self.pointer))
        )
        try:
            return Jinja2ChatFormatter(template=template, bos_token=bos, eos_token=eos)
        except TemplateError as error:
            raise ModelError(
                f"the chat template of {self.name} is not Jinja: {error}", "give another in its card"
            ) from error

    def _begins_with_bos(self, text: bytes) -> bool:
        bos = low.llama_vocab_bos(self.pointer)
        return bos >= 0 and text.startswith(self.piece(bos, special=True))


def _control_texts(vocab: Any) -> tuple[str, ...]:
    """What the vocabulary's control tokens look like when spelled out."""
    marked = (i for i in range(low.llama_vocab_n_tokens(vocab)) if low.llama_vocab_get_attr(vocab, i) & CONTROL)
    texts = (low.llama_vocab_get_text(vocab, i).decode(errors="replace") for i in marked)
    return tuple(text for text in texts if len(text) > 1)


def _as_text(control: tuple[str, ...], text: str) -> str:
    """A space after the first character of each control token the text spells: quoting ends no turn.

    The same as `localfair.lessons` does, so that both engines read the same prompt.
    """
    while found := next((token for token in control if token in text), None):
        text = text.replace(found, found[0] + " " + found[1:])
    return text
