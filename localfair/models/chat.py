"""Chat messages as a model reads them: the tokens of a prompt, by a tokenizer and its chat
template.

Text comes from `ChatTemplate`, the one renderer, for exams and lessons alike. The beginning-of-text
token stands exactly once where the tokenizer adds one, whether the template writes it or not, as
llama.cpp's server has it. Reads a tokenizer's folder; writes nothing. Knows nothing of engines or
lessons.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from localfair.errors import ModelError, TrainingError
from localfair.machine.offline import go_offline
from localfair.models.chat_template import NOTHING_TOLD, ChatSettings, ChatTemplate, is_dated
from localfair.models.control import as_text, first_spelled
from localfair.models.folder_code import refuse_deep_vocabulary
from localfair.models.parsing import library_reading
from localfair.record.nouns import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase as Tokenizer

__all__ = [
    "ChatSettings",
    "ChatTemplate",
    "as_text",
    "as_text_of",
    "end_of_turn",
    "is_dated",
    "load_tokenizer",
    "prompt_ids",
    "render_ids",
    "spelt_control_token",
    "text_ids",
    "with_bos",
]


def load_tokenizer(
    folder: Path,
    chat_template: str | None = None,
    *,
    name: str = "",
    settings: ChatSettings = NOTHING_TOLD,
) -> Tokenizer:
    """The tokenizer of a safetensors folder, never from the network.

    `chat_template` goes before its own. `name` is what messages call the model, `settings` what its
    template is told.
    """
    go_offline()
    from transformers import AutoTokenizer

    refuse_deep_vocabulary(folder)
    with library_reading(folder):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    tokenizer.chat_template = chat_template or tokenizer.chat_template
    _told[tokenizer] = (name or folder.name, settings)
    return tokenizer


def prompt_ids(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    enable_thinking: bool | None = None,
    about: str = "",
) -> list[int]:
    """The tokens a model is asked to continue: the chat template with its opening of the reply.

    Control tokens come from the template alone (see `as_text`). Raises TrainingError for a
    tokenizer without a chat template, ModelError naming `about` when the template refuses the
    messages.
    """
    return render_ids(tokenizer, messages, True, enable_thinking, about)


def end_of_turn(tokenizer: Tokenizer) -> int:
    """The token that ends an assistant's turn: what a model must learn to say and an engine stops
    on.

    Read out of the template: what follows a reply's text, else the tokenizer's eos. Raises
    TrainingError when there is neither.
    """
    token = _chat(tokenizer).template.end_of_turn()
    if token is not None:
        return int(tokenizer.convert_tokens_to_ids(token))
    if tokenizer.eos_token_id is None:
        raise TrainingError(
            "the tokenizer names no token that ends a turn",
            "a lesson must teach the model where to stop",
        )
    return int(tokenizer.eos_token_id)


def render_ids(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    opens_reply: bool,
    enable_thinking: bool | None = None,
    about: str = "",
) -> list[int]:
    """The tokens of a conversation, the beginning-of-text token once where the tokenizer adds one.

    Raises TrainingError and ModelError as `prompt_ids` does.
    """
    chat = _chat(tokenizer)
    read = [Message(m.role, chat.unmasked(m.content)) for m in messages]
    text = chat.template.text(
        read, opens_reply=opens_reply, enable_thinking=enable_thinking, about=about
    )
    ids = _ids(tokenizer, text)
    return ids if ids[: len(chat.beginning)] == chat.beginning else [*chat.beginning, *ids]


def text_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """The tokens of a text that stands inside a prompt: none of them is a control token."""
    return _ids(tokenizer, as_text_of(tokenizer, text))


def spelt_control_token(tokenizer: Tokenizer, text: str) -> str | None:
    """The first control token that the text spells out.

    The marks of thinking are none where the tokenizer does not make them special: a model writes
    them itself.
    """
    chat = _chat(tokenizer)
    tokens = []
    for token in chat.template.control:
        if token in chat.special or "think" not in token:
            tokens.append(token)
    return first_spelled(tokens, text)


def as_text_of(tokenizer: Tokenizer, text: str) -> str:
    """The text with each control token of a tokenizer spelt so that it stays text."""
    chat = _chat(tokenizer)
    return as_text(chat.template.control, chat.unmasked(text))


def with_bos(tokenizer: Tokenizer) -> str | None:
    """The tokenizer's chat template, made to write the beginning-of-text token where the tokenizer
    adds one and the template does not.

    For a folder that others read: they add none to what a template wrote.
    """
    template = tokenizer.chat_template
    if not isinstance(template, str) or not template:
        return None
    chat = _chat(tokenizer)
    if not chat.beginning:
        return template
    try:
        text = chat.template.text([Message("user", "text")], opens_reply=True)
    except ModelError:
        return template  # who asks it will be told
    if _ids(tokenizer, text)[:1] == chat.beginning:
        return template
    return "{{ bos_token }}" + template


class _Chat:
    """What is made once of a tokenizer: its template, and the tokens that a prompt begins with."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.source = tokenizer.chat_template
        name, settings = _told.get(tokenizer, ("", NOTHING_TOLD))
        added = {}
        for token in tokenizer.added_tokens_decoder.values():
            if len(str(token)) > 1:
                added[str(token)] = token.special
        self.special = {token for token, is_special in added.items() if is_special}
        self.template = ChatTemplate(
            name or Path(tokenizer.name_or_path).name or "the tokenizer",
            tokenizer.get_chat_template(),
            bos=str(tokenizer.bos_token or ""),
            eos=str(tokenizer.eos_token or ""),
            control=[token for token in added if token in self.special],
            settings=settings,
        )
        self.template.protect(token for token in added if token not in self.special)
        alone = [int(token) for token in tokenizer("").input_ids]
        is_bos = bool(alone) and alone[0] == tokenizer.bos_token_id
        self.beginning = alone[:1] if is_bos else []
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._normalizer = backend.normalizer if backend is not None else None

    def unmasked(self, text: str) -> str:
        """The text as the tokenizer normalises it, where only that spells a control token.

        A tokenizer may look for added tokens in what it has normalised: full-width or upper-case
        letters spell one there too.
        """
        if self._normalizer is None:
            return text
        quoted = as_text(self.template.control, text)
        normalised: str = self._normalizer.normalize_str(quoted)
        return normalised if first_spelled(self.template.control, normalised) else text


# by tokenizer: (what messages call its model, what its template is told), and what is made of it
_told: WeakKeyDictionary[Tokenizer, tuple[str, ChatSettings]] = WeakKeyDictionary()
_chats: WeakKeyDictionary[Tokenizer, _Chat] = WeakKeyDictionary()


def _chat(tokenizer: Tokenizer) -> _Chat:
    if not tokenizer.chat_template:
        raise TrainingError(
            "the tokenizer has no chat template",
            "use an instruction-tuned model, or add its template",
        )
    chat = _chats.get(tokenizer)
    if chat is None or chat.source != tokenizer.chat_template:
        chat = _Chat(tokenizer)
        _chats[tokenizer] = chat
    return chat


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """A text's tokens, with nothing of the tokenizer's before or after it."""
    return [int(token) for token in tokenizer(text, add_special_tokens=False).input_ids]
