"""What a server answered, read strictly: nothing that a server writes is taken for what it should be.

Pure; knows nothing of sockets, engines or what was asked. What is not as it should be raises
ReplyError in words, with the bytes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

from localfair.errors import ReplyError
from localfair.machine.http import KEPT

Json = dict[str, Any]

MOST_TOKENS = 2**31 - 1  # more than any context holds (ours)
STOPPED = frozenset(
    {"", "stop", "eos", "eos_token", "end_turn", "end_of_turn", "stop_sequence", "stop_token"}
    | {"done", "word", "tool_calls", "function_call"}
)
CUT = frozenset({"length", "limit", "max_tokens", "max_length"})
GIVEN_UP = frozenset({"abort", "error", "timeout", "load", "unload"})
TEXT_PARTS = frozenset({"text", "output_text"})
THOUGHT_PARTS = frozenset({"thinking", "reasoning", "redacted_thinking"})
HINT = "is it an OpenAI-compatible server? The bytes that came say more"


class Malformed(ValueError):
    """What is wrong with an answer, as the end of a sentence that begins with who answered."""


@contextlib.contextmanager
def read_from(who: str, about: str, raw: bytes = b"") -> Iterator[None]:
    """Within it, an answer of another form than is read becomes ReplyError."""
    try:
        yield
    except (KeyError, IndexError) as error:
        problem = f"answers without {error}"
    except Malformed as error:
        problem = f"answers with {error}"
    except (TypeError, ValueError, AttributeError, OverflowError):
        problem = "answers in another form than was asked for"
    else:
        return
    subject = f"{about}: {who}" if about else who
    raise ReplyError(f"{subject} {problem}", HINT, raw=raw[:KEPT])


def only_choice(data: Json) -> Json:
    """The one completion that was asked for. Raises Malformed."""
    if not isinstance(data, dict):
        raise Malformed(f"{named(data)} for an object")
    choices = data["choices"]
    if not isinstance(choices, list):
        raise Malformed(f"{named(choices)} for its choices")
    if len(choices) > 1:
        raise Malformed(f"{len(choices)} choices, of which one was asked for")
    choice = choices[0]
    if not isinstance(choice, dict):
        raise Malformed(f"{named(choice)} for a choice")
    return choice


def text_of(choice: Json) -> str:
    """What a choice says. Nothing said is an empty text. Raises Malformed when it is no text."""
    content = choice["message"]["content"] if "message" in choice else choice["text"]
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    if not isinstance(content, str):
        raise Malformed(f"{named(content)} for the text of its reply")
    return content


def _part(part: object) -> str:
    """The text in one part of a reply; none in a thought."""
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        sort = part.get("type", "text")
        text = part.get("text")
        if isinstance(sort, str) and sort in THOUGHT_PARTS:
            return ""
        if isinstance(sort, str) and sort in TEXT_PARTS and isinstance(text, str):
            return text
    raise Malformed("a part of its reply that is no text")


def thinking_of(choice: Json, content: str) -> str:
    """What a server tells apart from the content as thinking, with its tags; "" for none.

    The model wrote it so: the record keeps the raw reply, and one place splits it for every engine.
    Thinking with no content after it was never left, and so is not closed. `reasoning_content` is
    the field's name in llama.cpp, SGLang and older vLLM, `reasoning` in vLLM and Ollama.
    """
    message = choice.get("message") or {}
    thinking = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(thinking, str):
        return ""
    closing = "\n</think>\n\n" if content.strip() else ""
    return f"<think>\n{thinking}{closing}"


def is_cut(choice: Json) -> bool:
    """Whether a reply ended at its limit, not by itself. Raises Malformed when neither is said."""
    reason = choice.get("finish_reason")
    if reason is None:
        return False
    if isinstance(reason, str):
        if reason.lower() in STOPPED:
            return False
        if reason.lower() in CUT:
            return True
    raise Malformed(f"the finish reason {str(reason)[:60]!r}, which is unknown")


def is_given_up(choice: Json) -> bool:
    """Whether the server says that it could not finish the reply."""
    reason = choice.get("finish_reason")
    return isinstance(reason, str) and reason.lower() in GIVEN_UP


def token_count(value: object, name: str) -> int:
    """A number of tokens, 0 to MOST_TOKENS. Raises Malformed."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{named(value)} for {name}")
    if not 0 <= value <= MOST_TOKENS:
        raise Malformed(f"a number for {name} that no reply can have")
    return value


def token_ids(value: object) -> list[int]:
    """Tokens by their ids. Raises Malformed."""
    if not isinstance(value, list):
        raise Malformed(f"{named(value)} for a list of tokens")
    for token in value:
        if isinstance(token, bool) or not isinstance(token, int) or abs(token) > MOST_TOKENS:
            raise Malformed("a token that is none")
    return value


def log_probability(value: object) -> float:
    """A finite natural log-probability. Raises Malformed."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"{named(value)} for a log-probability")
    number = float(value)
    # servers round: a certain token's may lie a hair above 0
    if not math.isfinite(number) or number > 0.01:
        raise Malformed("a log-probability that is none")
    return number


def named(value: object) -> str:
    """What sort of JSON a value is, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    sorts = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return sorts[type(value)]
