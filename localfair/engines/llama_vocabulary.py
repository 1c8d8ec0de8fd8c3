"""A llama.cpp model's vocabulary: its chat template, its tokens, their bytes.

Reads a loaded model's vocabulary and a template. Knows nothing of contexts, samplers or files.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from llama_cpp import llama_cpp as low

from localfair.engines.thinking import TAG_TOKENS
from localfair.models.chat_template import ChatTemplate
from localfair.models.control import as_text
from localfair.record.nouns import Request
from localfair.tasks.reply import marks_thinking

if TYPE_CHECKING:
    from localfair.models import Model

PIECE_BYTES = 256
CONTROL = low.LLAMA_TOKEN_ATTR_CONTROL | low.LLAMA_TOKEN_ATTR_UNKNOWN
ADDED = low.LLAMA_TOKEN_ATTR_USER_DEFINED


class Vocabulary:
    """The vocabulary of loaded weights, with the chat template of their model.

    Raises ModelError when the template is missing or no Jinja.
    """

    def __init__(self, weights: object, model: Model) -> None:
        self.pointer = low.llama_model_get_vocab(weights)
        self._bos: int = low.llama_vocab_bos(self.pointer)
        self._template = ChatTemplate(
            model.name,
            model.chat_template,
            bos=self._spelled(self._bos),
            eos=self._spelled(low.llama_vocab_eos(self.pointer)),
            control=_texts(self.pointer, CONTROL),
            settings=model.settings,
        )
        self._template.protect(_texts(self.pointer, ADDED))
        end = self._template.end_of_turn()
        self._end_of_turn = self._tokens(end, special=True) if end else []

    def prompt(self, request: Request) -> list[int]:
        """The tokens of the chat template's text.

        A control token that a message spells stays text. The beginning-of-text token stands once
        where the vocabulary adds one, whether the template writes it or not.
        """
        tokens = self._tokens(self._template.prompt(request), special=True)
        adds_bos = low.llama_vocab_get_add_bos(self.pointer) and self._bos >= 0
        return [self._bos, *tokens] if adds_bos and tokens[:1] != [self._bos] else tokens

    def inside(self, text: str) -> list[int]:
        """The tokens of a text that stands inside a prompt: none of them is a control token."""
        return self._tokens(as_text(self._template.control, text), special=False)

    def _tokens(self, written: str, special: bool) -> list[int]:
        """A text's tokens and none beside them; control tokens are read with `special`."""
        text = written.encode()
        tokens = (low.llama_token * (len(text) + 8))()
        count = low.llama_tokenize(
            self.pointer,
            text,
            len(text),
            tokens,
            len(tokens),
            False,
            special,
        )
        assert count > 0, count
        return list(tokens[:count])

    def ends(self, token: int) -> bool:
        """Whether a token ends a turn: llama.cpp's word for it, or the template's."""
        return low.llama_vocab_is_eog(self.pointer, token) or self._end_of_turn == [token]

    def piece(self, token: int, special: bool = False) -> bytes:
        """A token's bytes; none for a control token unless `special`."""
        size = PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = low.llama_token_to_piece(self.pointer, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def reply_piece(self, token: int) -> bytes:
        """A token's bytes in a reply: none for a control token, unless it is a tag of thinking."""
        piece = self.piece(token)
        if piece:
            return piece
        spelled = self.piece(token, special=True)
        return spelled if marks_thinking(spelled.decode(errors="replace")) else b""

    def prompt_end(self, prompt: list[int]) -> str:
        """The text of a prompt's last tokens."""
        pieces = [self.piece(token, special=True) for token in prompt[-TAG_TOKENS:]]
        return b"".join(pieces).decode(errors="replace")

    def _spelled(self, token: int) -> str:
        """A control token's text; empty where the model has no such token."""
        if token < 0:
            return ""
        return self.piece(token, special=True).decode(errors="replace")


def _texts(vocab: object, attributes: int) -> tuple[str, ...]:
    """How the tokens with one of these attributes are spelled, those of two characters or more."""
    texts = []
    for token in range(low.llama_vocab_n_tokens(vocab)):
        if not low.llama_vocab_get_attr(vocab, token) & attributes:
            continue
        text = low.llama_vocab_get_text(vocab, token).decode(errors="replace")
        if len(text) > 1:
            texts.append(text)
    return tuple(texts)
