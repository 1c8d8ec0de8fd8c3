"""A llama.cpp model's words: its chat template, its tokens, their bytes.

Reads a loaded model's vocabulary and a template. Knows nothing of contexts, samplers or files.
"""

from __future__ import annotations

import ctypes
from typing import Any

from llama_cpp import llama_cpp as low

from localfair.models.chat import ChatText
from localfair.record.nouns import Request

PIECE_BYTES = 256
CONTROL = low.LLAMA_TOKEN_ATTR_CONTROL | low.LLAMA_TOKEN_ATTR_UNKNOWN


class Vocabulary:
    """Of one loaded model; `name` is what messages call it. Raises ModelError for a template that is not Jinja."""

    def __init__(self, model: Any, name: str, template: str | None) -> None:
        self.pointer = low.llama_model_get_vocab(model)
        bos, eos = low.llama_vocab_bos(self.pointer), low.llama_vocab_eos(self.pointer)
        self._chat = ChatText(
            name, template, self._spelled(bos), self._spelled(eos), _control_texts(self.pointer)
        )

    def prompt(self, request: Request) -> list[int]:
        """The tokens of the chat template's text; a control token that a message spells stays text."""
        return self.tokens(self._chat.prompt(request).encode())

    def tokens(self, text: bytes, special: bool = True) -> list[int]:
        """A prompt's tokens, control tokens and all; without `special` those of a text in the midst of one."""
        tokens = (low.llama_token * (len(text) + 8))()
        # the template writes the beginning-of-text token itself where the model has one
        add_bos = (
            special
            and low.llama_vocab_get_add_bos(self.pointer)
            and not self._begins_with_bos(text)
        )
        count = low.llama_tokenize(
            self.pointer, text, len(text), tokens, len(tokens), add_bos, special
        )
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

    def _spelled(self, token: int) -> str:
        return self.piece(token, special=True).decode(errors="replace") if token >= 0 else ""

    def _begins_with_bos(self, text: bytes) -> bool:
        bos = low.llama_vocab_bos(self.pointer)
        return bos >= 0 and text.startswith(self.piece(bos, special=True))


def _control_texts(vocab: Any) -> tuple[str, ...]:
    """What the vocabulary's control tokens look like when spelled out."""
    marked = (
        i
        for i in range(low.llama_vocab_n_tokens(vocab))
        if low.llama_vocab_get_attr(vocab, i) & CONTROL
    )
    texts = (low.llama_vocab_get_text(vocab, i).decode(errors="replace") for i in marked)
    return tuple(text for text in texts if len(text) > 1)
