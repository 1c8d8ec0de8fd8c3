"""A reply of an OpenAI-compatible server while it is written, by server-sent events.

Sends one call and reads its events; what a server sends instead of events is left to the engine's
usual way. Knows nothing of prompts or of what serves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from localfair.engines.answers import Json, text_of, thinking_of
from localfair.engines.http_client import Client
from localfair.engines.http_crew import Answer, Call
from localfair.machine.http import STRICT, NotStreamed

DONE = b"[DONE]"
FIELDS = ("content", "reasoning_content", "reasoning")


class Unstreamed(Exception):
    """The server gave no events: ask it in the usual way, which also says what is wrong."""


@dataclass(slots=True)
class Gathered:
    """What the events of one reply have said so far, in the form of a whole answer."""

    is_chat: bool
    parts: dict[str, str] = field(default_factory=dict)
    finish: str | None = None
    usage: Json | None = None
    count: int = 0

    def add(self, event: Json) -> None:
        """Take an event. Raises KeyError, TypeError or ValueError for one of another form."""
        if isinstance(event.get("usage"), dict):
            self.usage = event["usage"]
        for choice in event.get("choices") or ():
            self.finish = choice.get("finish_reason") or self.finish
            said = choice.get("delta") or {} if self.is_chat else {"content": choice.get("text")}
            for name in FIELDS:
                if isinstance(said.get(name), str):
                    self.parts[name] = self.parts.get(name, "") + said[name]
            self.count += 1

    def text(self) -> str:
        """The text so far, its thinking before it."""
        choice = self._choice()
        content = text_of(choice)
        return thinking_of(choice, content) + content

    def data(self) -> Json:
        """The whole answer, as a server gives it at once."""
        usage = self.usage or {"prompt_tokens": 0, "completion_tokens": self.count}
        return {"choices": [self._choice()], "usage": usage}

    def _choice(self) -> Json:
        if not self.is_chat:
            return {"text": self.parts.get("content", ""), "finish_reason": self.finish}
        message = {"content": self.parts.get("content", ""), **self.parts}
        return {"message": message, "finish_reason": self.finish}


def streamed(
    client: Client, call: Call, shown: Callable[[str], str]
) -> Generator[str, None, Answer]:
    """Yield the new text of each event, as `shown` gives it, and return the whole answer.

    Raises Unstreamed before the first piece where no events come, and EngineError or EngineDied when
    the connection breaks later.
    """
    asked = {**call.body, "stream": True, "stream_options": {"include_usage": True}}
    gathered = Gathered(is_chat="messages" in call.body)
    started = time.monotonic()
    try:
        for event in _events(client, replace(call, body=asked)):
            gathered.add(event)
            yield shown(gathered.text())
    except NotStreamed:
        raise Unstreamed from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if not gathered.count:
            raise Unstreamed from None
        broken = (
            error if isinstance(error, OSError) else ConnectionError("it sent what is no event")
        )
        raise client.server.failed(broken, call.about, client.limits.answer) from error
    if not gathered.count:
        raise Unstreamed
    return Answer(call, gathered.data(), time.monotonic() - started)


def _events(client: Client, call: Call) -> Iterator[Any]:
    with client.connection() as connection:
        for line in connection.lines(call.path, call.body):
            name, _, value = line.partition(b":")
            if name.strip() != b"data":
                continue
            if value.strip() == DONE:
                return
            event = STRICT.decode(value.strip().decode("utf-8", "replace"))
            if not isinstance(event, dict):
                raise ValueError("an event is no object")
            if event.get("error"):
                raise ConnectionError(json.dumps(event["error"])[:200])
            yield event
