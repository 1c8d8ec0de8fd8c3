"""Chat messages to the text of a prompt, by a model's own Jinja template, where no tokenizer is at hand.

Pure. Knows nothing of tokens but how control tokens are spelled. The rules are those of `localfair.lessons`, so that
every engine reads the same prompt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from localfair.errors import BackendError, ModelError
from localfair.records import Request


class ChatText:
    """A model's template, ready to render. Raises ModelError for one that is none."""

    def __init__(self, name: str, template: str | None, bos: str, eos: str, control: Sequence[str]) -> None:
        if not template:
            raise ModelError(
                f"{name} has no chat template", "use an instruction-tuned model, or give chat_template in its card"
            )
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
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
        messages = [{"role": m.role, "content": as_text(self._control, m.content)} for m in request.messages]
        try:
            return self._template.render(messages=messages, **self._values)
        except (TemplateError, ValueError, TypeError) as error:
            raise BackendError(
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
