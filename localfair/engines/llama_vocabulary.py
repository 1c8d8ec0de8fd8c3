"""A llama.cpp model's vocabulary: its chat template, its tokens, their bytes.

Reads a loaded model's vocabulary and a template. Knows nothing of contexts, samplers or files.
"""

from __future__ import annotations

import ctypes
from typing import Any

from llama_cpp import llama_cpp as low

from localfair.models.chat import ChatTemplate
from localfair.record.nouns import Request

PIECE_BYTES = 256
CONTROL = low.LLAMA_TOKEN_ATTR_CONTROL | low.LLAMA_TOKEN_ATTR_UNKNOWN


class Vocabulary:
    """The vocabulary of one loaded model; `name` is what messages call it.

    Raises ModelError when the template is missing or no Jinja.
    """

    def __init__(self, model: Any, name: str, template: str | None) -> None:
        self.pointer = low.llama_model_get_vocab(model)
        self._bos: int = low.llama_vocab_bos(self.pointer)
        self._template = ChatTemplate(
            name,
            template,
            bos=self._spelled(self._bos),
            eos=self._spelled(low.llama_vocab_eos(self.pointer)),
            control=_control_texts(self.pointer),
        )

    def prompt(self, request: Request) -> list[int]:
        """The tokens of the chat template's text.

        A control token that a message spells stays text.
        """
        return self.tokens(self._template.prompt(request).encode())

    def tokens(self, text: bytes, special: bool = True) -> list[int]:
        """A whole prompt's tokens. Without `special` those of a text that stands inside one."""
        tokens = (low.llama_token * (len(text) + 8))()
        count = low.llama_tokenize(
            self.pointer,
            text,
            len(text),
            tokens,
            len(tokens),
            special and self._adds_bos(text),
            special,
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
        """A control token's text; empty where the model has no such token."""
        if token < 0:
            return ""
        return self.piece(token, special=True).decode(errors="replace")

    def _adds_bos(self, text: bytes) -> bool:
        """Whether a beginning-of-text token must be put before a prompt: the template may write
        it itself.
        """
        if not low.llama_vocab_get_add_bos(self.pointer):
            return False
        return self._bos < 0 or not text.startswith(self.piece(self._bos, special=True))


def _control_texts(vocab: Any) -> tuple[str, ...]:
    """How the vocabulary's control tokens are spelled, those of two characters or more."""
    texts = []
    for token in range(low.llama_vocab_n_tokens(vocab)):
        if not low.llama_vocab_get_attr(vocab, token) & CONTROL:
            continue
        text = low.llama_vocab_get_text(vocab, token).decode(errors="replace")
        if len(text) > 1:
            texts.append(text)
    return tuple(texts)
