"""Chat messages to the text of a prompt, by a model's own Jinja template, where no tokenizer is at hand.

Pure. Knows nothing of tokens but how control tokens are spelled. The rules are those of `localfair.training.encode`, so that
every engine reads the same prompt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from localfair.errors import EngineError, ModelError, TrainingError
from localfair.record.nouns import Message, Request


class ChatText:
    """A model's template, ready to render. Raises ModelError for one that is none."""

    def __init__(
        self, name: str, template: str | None, bos: str, eos: str, control: Sequence[str]
    ) -> None:
        if not template:
            raise ModelError(
                f"{name} has no chat template",
                "use an instruction-tuned model, or give chat_template in its card",
            )
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.filters["tojson"] = _tojson
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        self._name, self._control = name, tuple(control)
        self._values = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True}
        try:
            self._template = environment.from_string(template)
        except TemplateError as error:
            raise ModelError(
                f"the chat template of {name} is not Jinja: {error}", "give another in its card"
            ) from error

    def prompt(self, request: Request) -> str:
        """The text a model is asked to continue. Control tokens come from the template alone (see `as_text`)."""
        messages = [
            {"role": m.role, "content": as_text(self._control, m.content)} for m in request.messages
        ]
        try:
            return self._template.render(messages=messages, **self._values)
        except (TemplateError, ValueError, TypeError) as error:
            raise EngineError(
                f"the chat template of {self._name} refuses {request.about or 'a prompt'}: {error}",
                "some templates take no system message",
            ) from error


def as_text(control: Sequence[str], text: str) -> str:
    """A space after the first character of each control token the text spells: quoting ends no turn."""
    while found := next((token for token in control if token in text), None):
        text = text.replace(found, found[0] + " " + found[1:])
    return text


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def load_tokenizer(folder: Path, chat_template: str | None = None) -> Any:
    """The tokenizer of a safetensors folder, never from the network; `chat_template` goes before its own."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.chat_template = chat_template or tokenizer.chat_template
    return tokenizer


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens a model is asked to continue: the chat template with its opening of the reply.

    Control tokens come from the template alone: where a message's own text spells one, a space after its
    first character keeps it text, so that a quoted answer cannot end its turn (ours).
    """
    return _render(
        tokenizer, [Message(m.role, _as_text(tokenizer, m.content)) for m in messages], True
    )


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
            "the tokenizer names no token that ends a turn",
            "a lesson must teach the model where to stop",
        )
    return int(found)


def _render(tokenizer: Any, messages: Sequence[Message], opens_reply: bool) -> list[int]:
    """The chat template's tokens; it writes its own beginning-of-text token, no second one is added."""
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


def _control_tokens(tokenizer: Any) -> dict[int, str]:
    return {
        i: str(t)
        for i, t in tokenizer.added_tokens_decoder.items()
        if t.special and len(str(t)) > 1
    }


def _control_ids(tokenizer: Any) -> set[int]:
    return {*_control_tokens(tokenizer), *tokenizer.all_special_ids}


def _control_text(tokenizer: Any, text: str) -> str | None:
    """The first control token that the text spells out."""
    return next((token for token in _control_tokens(tokenizer).values() if token in text), None)


def _as_text(tokenizer: Any, text: str) -> str:
    return as_text(tuple(_control_tokens(tokenizer).values()), text)
