"""Log-probabilities of continuations, read off a llama.cpp server one token a call.

Makes calls and reads answers; sends nothing. Knows nothing of processes or prompts.
"""

from __future__ import annotations

from collections.abc import Iterator

from localfair.engines.answers import log_probability, only_choice, read_from
from localfair.engines.completions import leaning
from localfair.engines.http_crew import Answer, Call
from localfair.engines.scoring import Scoring
from localfair.errors import ReplyError
from localfair.record.nouns import Generation

WHO = "the xllamacpp server"


def scored(answer: Answer) -> Generation | None:
    """The generation of a scoring whose last token this answer told."""
    scoring, beginning = answer.call.tag
    scoring.take(beginning, logprobs(answer), answer.seconds)
    return scoring.generation() if scoring.is_complete else None


def forced(scoring: Scoring) -> Iterator[Call]:
    """What asks for each token that is still missing."""
    for beginning, wanted in scoring.wanted().items():
        for token in wanted:
            yield next_token(scoring, beginning, token, 1)


def next_token(scoring: Scoring, beginning: tuple[int, ...], token: int, listed: int) -> Call:
    """What makes the server write `token` and list the likeliest with their log-probabilities."""
    body = {
        "prompt": list(beginning),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": listed,
        **leaning(token),
    }
    return Call("/v1/completions", body, scoring.request.about, (scoring, beginning))


def logprobs(answer: Answer) -> dict[int, float]:
    """Token -> log-probability in an answer's one step, those listed and the one written."""
    about = answer.call.about
    with read_from(WHO, about, answer.raw):
        choice = only_choice(answer.data)
    try:
        step = choice["logprobs"]["content"][0]
    except (KeyError, IndexError, TypeError) as error:
        raise ReplyError(
            f"{about or 'a request'}: {WHO} cannot score half a character",
            "give continuations of whole characters",
            raw=answer.raw,
        ) from error
    with read_from(WHO, about, answer.raw):
        tokens = [*step["top_logprobs"], step]
        return {int(token["id"]): log_probability(token["logprob"]) for token in tokens}
