"""Chat messages as a model reads them: the text of a prompt, by the model's own chat template.

`ChatTemplate` is the one renderer of engines and of lessons. Where the template does not take
messages as they are, it gives them in another form; a prompt that does not hold every message is
refused. Control tokens come from the template alone: a message that spells one stays text. Reads
and writes nothing. Knows nothing of tokenizers (`localfair.models.chat`) and engines.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from localfair.errors import ModelError, PromptRefused
from localfair.machine.terminal import warn
from localfair.models.control import as_text
from localfair.models.templates import TemplateFault, compiles, rendered
from localfair.record.nouns import Message

if TYPE_CHECKING:
    from localfair.record.nouns import Request

ANOTHER = "give another chat_template in its card"
END_OF_THINKING = "</think>"
END_OF_MESSAGE = "<|end|>"
END_OF_HARMONY = "<|return|>"
# what stands for a message's text where a template is tried
TRIAL = "text{}."


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a template is told beside the messages.

    date: the day that a dated template writes; None is today. enable_thinking: whether the model
    is to think before it answers; None leaves it to the template.
    """

    date: datetime.date | None = None
    enable_thinking: bool | None = None


NOTHING_TOLD = ChatSettings()


def is_dated(template: str | None) -> bool:
    """Whether a template writes the date."""
    return template is not None and "strftime_now" in template


@dataclass(frozen=True, slots=True)
class _Form:
    """How messages are given to a template.

    parts: content is a list of parts. folded: the system's text begins the first user's.
    """

    parts: bool = False
    folded: bool = False


FORMS = (_Form(), _Form(parts=True), _Form(folded=True), _Form(parts=True, folded=True))


class ChatTemplate:
    """A model's Jinja template, ready to render. `name` is what messages call the model.

    `bos` and `eos` are the texts of the beginning-of-text and end-of-text tokens, `control` the
    spellings of all control tokens. Raises ModelError when there is no template or it is no Jinja.
    """

    def __init__(
        self,
        name: str,
        template: str | None,
        *,
        bos: str,
        eos: str,
        control: Sequence[str],
        settings: ChatSettings = NOTHING_TOLD,
    ) -> None:
        if not template:
            raise ModelError(
                f"{name} has no chat template",
                "use an instruction-tuned model, or give chat_template in its card",
            )
        self.control = tuple(control)
        self._name = name
        self._template = template
        self._eos = eos
        self._settings = settings
        # `tools` and `documents` are always given, as transformers does: templates count on it
        self._values = {"bos_token": bos, "eos_token": eos, "tools": None, "documents": None}
        self._forms: dict[tuple[tuple[str, ...], bool], _Form] = {}
        try:
            compiles(template)
        except TemplateFault as fault:
            raise ModelError(
                f"the chat template of {name} is not Jinja: {fault.said}", ANOTHER
            ) from fault

    def protect(self, added: Iterable[str]) -> None:
        """Take those of the `added` tokens for control tokens that the template itself writes.

        A tokenizer reads an added token wherever a text spells it, also one that is not marked as
        special. Words and blanks are left: they are what texts are made of.
        """
        candidates = [token for token in added if token.strip() and not token.strip().isalnum()]
        if not candidates:
            return
        written = self._template + "".join(self._trials())
        used = [token for token in candidates if token in written]
        self.control += tuple(token for token in used if token not in self.control)

    def prompt(self, request: Request) -> str:
        """The text a model is asked to continue.

        Raises ModelError when the template refuses the messages, loses one, or never ends.
        """
        return self.text(
            request.messages,
            opens_reply=True,
            enable_thinking=request.sampling.enable_thinking,
            about=request.about,
        )

    def text(
        self,
        messages: Sequence[Message],
        *,
        opens_reply: bool,
        enable_thinking: bool | None = None,
        about: str = "",
    ) -> str:
        """The text of a conversation, with the opening of a reply after it where it is asked for.

        Raises ModelError as `prompt` does; `about` names the messages in it.
        """
        quoted = [Message(m.role, as_text(self.control, m.content)) for m in messages]
        try:
            form = self._form(quoted, opens_reply)
            return self._held(quoted, form, opens_reply, enable_thinking)
        except TemplateFault as fault:
            raise self._refusal(fault, about) from fault

    def end_of_turn(self) -> str | None:
        """The control token that the template writes after a reply; None where it writes none.

        A template that ends a reply only when another turn follows is asked so. What opens the
        next turn ends none.
        """
        user, reply, next_user = (TRIAL.format(number) for number in range(3))
        conversation = [Message("user", user), Message("assistant", reply)]
        text = self._trial(conversation)
        after = text.rpartition(reply)[2]
        header = text.partition(user)[2].rpartition(reply)[0]
        token = self._ending(after, header)
        if token is None:
            text = self._trial([*conversation, Message("user", next_user)])
            after = text.partition(reply)[2].rpartition(next_user)[0]
            header = text.partition(user)[0]
            token = self._ending(after, header)
        if token == END_OF_MESSAGE and END_OF_HARMONY in self.control:
            # gpt-oss ends its thinking with the one, and its turn with the other
            return END_OF_HARMONY
        return token

    # -- forms ------------------------------------------------------------------------------------

    def _form(self, messages: Sequence[Message], opens_reply: bool) -> _Form:
        """The first form in which the template writes every text of messages of these roles.

        Found with texts that nothing else writes: a question may be a word of the template's own.
        """
        roles = tuple(message.role for message in messages)
        if (roles, opens_reply) in self._forms:
            return self._forms[roles, opens_reply]
        trial = [Message(role, TRIAL.format(number)) for number, role in enumerate(roles)]
        first: TemplateFault | None = None
        for form in FORMS:
            if form.folded and roles[:2] != ("system", "user"):
                continue
            try:
                self._held(trial, form, opens_reply, None)
            except TemplateFault as fault:
                if fault.problem == "limit":
                    raise
                first = first or fault
                continue
            if form.folded:
                _say_folded(self._name)
            self._forms[roles, opens_reply] = form
            return form
        assert first is not None
        raise first

    def _held(
        self,
        messages: Sequence[Message],
        form: _Form,
        opens_reply: bool,
        enable_thinking: bool | None,
    ) -> str:
        """The rendered text. Raises TemplateFault when it does not hold a message's text."""
        text = self._render(_turns(messages, form), opens_reply, enable_thinking)
        for message in messages:
            content = message.content
            if message.role == "assistant":  # some templates leave out what was thought before
                content = content.rpartition(END_OF_THINKING)[2]
            if content.strip() not in text:
                raise TemplateFault("refusal", f"it loses the text of the {message.role}'s message")
        return text

    def _render(
        self, turns: list[dict[str, object]], opens_reply: bool, enable_thinking: bool | None
    ) -> str:
        values = {**self._values, "messages": turns, "add_generation_prompt": opens_reply}
        if enable_thinking is None:
            enable_thinking = self._settings.enable_thinking
        if enable_thinking is not None:
            values["enable_thinking"] = enable_thinking
            values["thinking"] = enable_thinking  # as Granite's templates call it
        return rendered(self._template, values, self._settings.date or datetime.date.today())

    def _refusal(self, fault: TemplateFault, about: str) -> ModelError:
        if fault.problem == "limit":
            return ModelError(
                f"the chat template of {self._name} cannot be rendered: {fault.said}", ANOTHER
            )
        return PromptRefused(
            f"the chat template of {self._name} refuses {about or 'a prompt'}: {fault.said}",
            f"use another model, or {ANOTHER}",
        )

    # -- what the template writes of its own ------------------------------------------------------

    def _trial(self, messages: Sequence[Message]) -> str:
        """A conversation's text; nothing when the template refuses it."""
        try:
            return self._held(messages, self._form(messages, False), False, None)
        except TemplateFault as fault:
            if fault.problem == "limit":
                raise self._refusal(fault, "") from fault
            return ""

    def _trials(self) -> Iterator[str]:
        """Texts with all that a template writes around its messages."""
        user = Message("user", TRIAL.format(0))
        system = Message("system", TRIAL.format(1))
        reply = Message("assistant", TRIAL.format(2))
        for messages in ([user], [system, user], [user, reply], [user, reply, user]):
            yield self._trial(messages)
        try:
            yield self.text([user], opens_reply=True)
        except ModelError:
            return  # said again, and to somebody, when a prompt is asked for

    def _ending(self, after: str, header: str) -> str | None:
        """The control token that `after` begins with, unless that is the end of a header."""
        after = after.strip()
        if not after or header.rstrip().endswith(after):
            return None
        endings = [token for token in (*self.control, self._eos) if token]
        starting = [token for token in endings if after.startswith(token.strip())]
        return max(starting, key=len, default=None)


def _turns(messages: Sequence[Message], form: _Form) -> list[dict[str, Any]]:
    """Messages as a template reads them, in a form."""
    if form.folded:
        system, user, *others = messages
        messages = [Message("user", f"{system.content}\n\n{user.content}"), *others]
    turns: list[dict[str, Any]] = []
    for message in messages:
        content: Any = message.content
        if form.parts:
            content = [{"type": "text", "text": message.content}]
        turns.append({"role": message.role, "content": content})
    return turns


@cache
def _say_folded(name: str) -> None:
    warn(
        f"the chat template of {name} takes no system message; "
        "its text goes at the head of the first user's"
    )
