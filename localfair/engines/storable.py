"""What a reply must be so that the record can hold it, whichever engine it came from.

Pure. An empty text is a reply. Knows nothing of the record.
"""

from __future__ import annotations

import math

from localfair.engines.answers import MOST_TOKENS
from localfair.errors import ReplyError
from localfair.machine.http import KEPT
from localfair.record.nouns import Generation

LONGEST = 2**26  # bytes of a reply's text; far more than any context holds (ours)
HINT = "the engine is at fault; the bytes that came are in the record"


def refuse_unstorable(generation: Generation) -> None:
    """Raise ReplyError, with the bytes of the text, for a reply that cannot be stored as it is."""
    problem = _problem(generation)
    if problem:
        about = generation.request.about or "a request"
        raise ReplyError(f"{about}: the reply has {problem}", HINT, raw=_raw(generation.text))


def _problem(generation: Generation) -> str | None:
    """What is wrong with a reply, as the end of a sentence, or None."""
    if generation.finish not in ("stop", "length"):
        return f"the end {str(generation.finish)[:60]!r}, which is unknown"
    if not _is_count(generation.prompt_tokens) or not _is_count(generation.completion_tokens):
        return "a number of tokens that no reply can have"
    if not _is_finite(generation.seconds) or generation.seconds < 0:
        return "no time that it took"
    if not all(_is_finite(logprob) for logprob in generation.logprobs):
        return "a log-probability that is none"
    return _problem_of_text(generation.text)


def _problem_of_text(text: object) -> str | None:
    if not isinstance(text, str):
        return f"{type(text).__name__} for a text"
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return "half a surrogate pair in its text"
    if len(encoded) > LONGEST:
        return f"{len(encoded)} bytes of text"
    return None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_TOKENS


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _raw(text: object) -> bytes:
    """The first bytes of whatever stands for a text."""
    if isinstance(text, bytes):
        return text[:KEPT]
    if isinstance(text, str):
        return text[:KEPT].encode("utf-8", "surrogatepass")[:KEPT]
    return repr(text)[:KEPT].encode("utf-8", "replace")[:KEPT]
