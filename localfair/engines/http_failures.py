"""What it means that a server did not answer as it should: an error whose words and hint fit.

Reads replies and what connections raise; sends nothing. Knows nothing of calls or engines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from localfair.engines.at_once import tells_of_memory
from localfair.errors import EngineDied, EngineError, LocalfairError, PromptTooLong, ReplyError
from localfair.machine.http import KEPT, Broken, Reply, Unreachable
from localfair.machine.terminal import one_line

TOO_LONG = re.compile(r"context.{0,20}(length|size|window|limit)|max_model_len|too long", re.I)
WORDS = 300  # letters of a server's own words that an error quotes


class Refused(EngineError):
    """The server will not do what it was asked, and would not if asked again."""


class Busy(Exception):
    """The server says that it cannot answer now; `reply` is how."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}: {words_of(reply)}")
        self.reply = reply


class NoMemory(Exception):
    """The server had too little memory for a call beside those that were under way."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server as errors speak of it.

    `who` names it, `hint` says what to do when it is gone, `key_hint` where its key is put.
    """

    who: str
    hint: str = ""
    key_hint: str = ""

    def no_json(self, reply: Reply, about: str, error: ValueError) -> ReplyError:
        """It answered with success, and with something else than JSON."""
        why = str(error).partition(":")[0][:WORDS]
        return ReplyError(
            f"{self._about(about)} answers with no JSON ({why}): {words_of(reply) or 'nothing'}",
            "is a proxy or another program between? The same command asks again",
            raw=reply.content[:KEPT],
            retryable=True,
        )

    def refused(self, reply: Reply, about: str) -> LocalfairError:
        """What a status that another try does not change stands for."""
        status = reply.status
        words = words_of(reply)
        said = f"{self.who} refuses {about}: status {status}, {words}"
        if status in (400, 413, 422) and TOO_LONG.search(words):
            return PromptTooLong(
                f"{about}: {self.who} says {words}", "lower max_tokens, or serve a longer context"
            )
        if status in (401, 403):
            said = f"{self.who} wants a key, or another one ({status}): {words}"
            return EngineError(said, self.key_hint)
        if 300 <= status < 400:
            return Refused(said, "no redirect is followed: give `models add` the address itself")
        if status == 404:
            return Refused(said, "does it still serve this model, under this name?")
        if status == 413:
            return ReplyError(
                said, "lower max_tokens, or serve a longer context", raw=reply.content[:KEPT]
            )
        hint = "it says what it does not take; its own log may say more"
        return ReplyError(said, hint, raw=reply.content[:KEPT])

    def failed(self, error: Exception, about: str, seconds: float) -> LocalfairError:
        """What it means that no try brought an answer."""
        who = self._about(about)
        if isinstance(error, Busy):
            raw = error.reply.content[:KEPT]
            if error.reply.status == 500:
                hint = "its own log says why; the same command asks again"
                return ReplyError(f"{who} fails: {error}", hint, raw=raw, retryable=True)
            hint = "lower --batch, or run the same command again later"
            return ReplyError(f"{who} stays busy: {error}", hint, raw=raw, retryable=True)
        if isinstance(error, Unreachable):
            return EngineDied(f"{self.who} does not answer: {error}", self.hint)
        if isinstance(error, TimeoutError):
            return ReplyError(
                f"{who} gave no answer in {seconds:g} s",
                "give it longer: `timeout` in the [endpoint] table of its card",
                retryable=True,
            )
        partial = error.partial if isinstance(error, Broken) else b""
        return ReplyError(
            f"{who} broke off: {error or type(error).__name__}",
            self.hint,
            raw=partial,
            retryable=True,
        )

    def _about(self, about: str) -> str:
        """The server in an error about one call."""
        return f"{about}: {self.who}" if about else self.who


def is_out_of_memory(reply: Reply) -> bool:
    """Whether a failed reply says that the server's memory was too short; 507 says so itself."""
    return reply.status == 507 or tells_of_memory(words_of(reply))


def retry_after(value: str) -> float | None:
    """The seconds of a Retry-After header, a number or a date; None for anything else."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def words_of(reply: Reply) -> str:
    """The server's own words, on one line."""
    try:
        data = reply.json()
        error = data.get("error", data)
        text = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = reply.content[: 4 * WORDS].decode(errors="replace")
    return one_line(text, WORDS)
