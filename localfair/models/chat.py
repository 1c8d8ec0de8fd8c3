"""Chat messages as a model reads them: the text or the tokens of a prompt, by the model's own chat
template.

A tokenizer renders and tokenises by itself (`prompt_ids`). Where only a template and the spelling
of the control tokens are known, `ChatTemplate` renders the same text. Either way control tokens
come from the template alone: a message that spells one stays text (`as_text`). Reads a tokenizer's
folder; writes nothing. Knows nothing of engines or lessons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from localfair.errors import EngineError, ModelError, TrainingError
from localfair.models.folder_code import refuse_deep_vocabulary
from localfair.models.parsing import library_reading
from localfair.record.nouns import Message, Request

# -- control tokens ---------------------------------------------------------------------------------

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase as Tokenizer


def as_text(control: Iterable[str], text: str) -> str:
    """The text with a space inside each control token that it spells: quoting one ends no turn
    (ours).

    The space stands after the token's first visible character. A token of one visible character is
    left as it is: no space can break it.
    """
    # It ends. A space goes between two neighbours that are no spaces, of which there are ever fewer,
    # or makes a gap inside a token wider than in that token, and no token has a gap wider than itself.
    breakable = [token for token in control if len(token.strip(" ")) > 1]
    token = _first_spelled(breakable, text)
    while token is not None:
        text = text.replace(token, _broken(token))
        token = _first_spelled(breakable, text)
    return text


def _first_spelled(control: Iterable[str], text: str) -> str | None:
    for token in control:
        if token in text:
            return token
    return None


def _broken(token: str) -> str:
    indent = len(token) - len(token.lstrip(" "))
    return token[: indent + 1] + " " + token[indent + 1 :]


# -- a template without a tokenizer -----------------------------------------------------------------


class ChatTemplate:
    """A model's Jinja template, ready to render. `name` is what messages call the model.

    `bos` and `eos` are the texts of the beginning-of-text and end-of-text tokens, `control` the
    spellings of all control tokens. Raises ModelError when there is no template or it is no Jinja.
    """

    def __init__(
        self, name: str, template: str | None, *, bos: str, eos: str, control: Sequence[str]
    ) -> None:
        if not template:
            raise ModelError(
                f"{name} has no chat template",
                "use an instruction-tuned model, or give chat_template in its card",
            )
        self._name = name
        self._control = tuple(control)
        self._values = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True}
        try:
            self._template = _environment().from_string(template)
        except TemplateError as error:
            raise ModelError(
                f"the chat template of {name} is not Jinja: {error}", "give another in its card"
            ) from error

    def prompt(self, request: Request) -> str:
        """The text a model is asked to continue.

        Raises EngineError when the template refuses the messages.
        """
        messages = []
        for message in request.messages:
            messages.append(
                {"role": message.role, "content": as_text(self._control, message.content)}
            )
        try:
            return self._template.render(messages=messages, **self._values)
        except (TemplateError, ValueError, TypeError) as error:
            raise EngineError(
                f"the chat template of {self._name} refuses {request.about or 'a prompt'}: {error}",
                "some templates take no system message",
            ) from error


def _environment() -> ImmutableSandboxedEnvironment:
    """Jinja as transformers sets it up for chat templates."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _now
    return environment


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)


# -- a tokenizer ------------------------------------------------------------------------------------


def load_tokenizer(folder: Path, chat_template: str | None = None) -> Tokenizer:
    """The tokenizer of a safetensors folder, never from the network.

    `chat_template` goes before its own.
    """
    from transformers import AutoTokenizer

    refuse_deep_vocabulary(folder)
    with library_reading(folder):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    tokenizer.chat_template = chat_template or tokenizer.chat_template
    return tokenizer


def prompt_ids(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    """The tokens a model is asked to continue: the chat template with its opening of the reply.

    Control tokens come from the template alone (see `as_text`). Raises TrainingError for a
    tokenizer without a chat template.
    """
    quoted = [Message(m.role, as_text_of(tokenizer, m.content)) for m in messages]
    return render_ids(tokenizer, quoted, True)


def end_of_turn(tokenizer: Tokenizer) -> int:
    """The token that ends an assistant's turn: what a model must learn to say and an engine stops
    on.

    Read out of the template: the first control token after a reply's text, else the tokenizer's
    eos. Raises TrainingError when there is neither.
    """
    opening = [Message("user", "a")]
    prompt = render_ids(tokenizer, opening, True)
    whole = render_ids(tokenizer, [*opening, Message("assistant", "b")], False)
    # some templates open a reply otherwise than they write one: then its end is among the last tokens
    reply = whole[len(prompt) :] if whole[: len(prompt)] == prompt else whole[-3:]
    control = _control_ids(tokenizer)
    for token in reply:
        if token in control:
            return token
    if tokenizer.eos_token_id is None:
        raise TrainingError(
            "the tokenizer names no token that ends a turn",
            "a lesson must teach the model where to stop",
        )
    return int(tokenizer.eos_token_id)


def render_ids(tokenizer: Tokenizer, messages: Sequence[Message], opens_reply: bool) -> list[int]:
    """The chat template's tokens.

    It writes its own beginning-of-text token, no second one is added.
    """
    if not tokenizer.chat_template:
        raise TrainingError(
            "the tokenizer has no chat template",
            "use an instruction-tuned model, or add its template",
        )
    turns = [{"role": m.role, "content": m.content} for m in messages]
    ids = tokenizer.apply_chat_template(
        turns, add_generation_prompt=opens_reply, tokenize=True, return_dict=False
    )
    return [int(i) for i in ids]


def _control_tokens(tokenizer: Tokenizer) -> dict[int, str]:
    """Id -> spelling of the control tokens that a text can spell: those of two characters or
    more.
    """
    tokens = {}
    for token_id, token in tokenizer.added_tokens_decoder.items():
        if token.special and len(str(token)) > 1:
            tokens[token_id] = str(token)
    return tokens


def _control_ids(tokenizer: Tokenizer) -> set[int]:
    return {*_control_tokens(tokenizer), *tokenizer.all_special_ids}


def spelt_control_token(tokenizer: Tokenizer, text: str) -> str | None:
    """The first control token that the text spells out."""
    return _first_spelled(_control_tokens(tokenizer).values(), text)


def as_text_of(tokenizer: Tokenizer, text: str) -> str:
    """The text with each control token of a tokenizer spelt so that it stays text."""
    return as_text(_control_tokens(tokenizer).values(), text)
