"""A script: a model that is a file of rules, for documentation and tests.

The scripted engine answers from it.

Reads one TOML file, `<name>.script.toml`; writes nothing. Knows nothing of requests. The first rule
whose `when` (a regular expression) is found in a request's messages gives the reply: one of
`replies`, chosen by the request's seed, with `\\1` standing for the pattern's groups. `scores` maps
a continuation to its log-probability. `delay` (seconds a reply takes) makes a script as slow as a
real model, so that being interrupted can be tried. `parameters` is the size of the model that it
plays, 0 when it says none.

    context = 4096
    delay = 0.0
    parameters = 0
    [[rule]]
    when = "What is (\\d+) plus 0"
    replies = ["The answer is \\\\1."]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from localfair.errors import MissingWeights
from localfair.machine.files import sha256_file
from localfair.models.gguf_header import MOST_CONTEXT
from localfair.models.parsing import (
    Malformed,
    exists,
    quoted,
    read_toml,
    reading,
    shown_path,
    whole_number,
)

SUFFIX = ".script.toml"
MOST_SCRIPT = 1 << 26  # bytes: scripts are written by hand, or hold the replies of a benchmark
MOST_PARAMETERS = 10**15  # of the model that a script plays
MOST_DELAY = 3600  # seconds a reply takes


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is searched in the whole prompt; `replies` are templates for `Match.expand`."""

    when: re.Pattern[str]
    replies: tuple[str, ...]
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Script:
    """Rules in order.

    Its tokens are words: `context` counts them. `delay` is the seconds a reply takes. It has what
    a `Model` shows to those who seat and open models, but no card and no weights.
    """

    name: str
    path: Path
    fingerprint: str
    context: int
    delay: float
    rules: tuple[Rule, ...]
    parameters: int = 0

    format: ClassVar[str] = "script"
    has_weights: ClassVar[bool] = False
    chat_template: ClassVar[str | None] = None
    chat_template_hash: ClassVar[str] = ""
    card_template: ClassVar[str | None] = None
    is_dated: ClassVar[bool] = False
    template_id: ClassVar[str] = ""


def load_script(path: Path) -> Script:
    """The script at a path.

    Raises MissingWeights when there is none, CorruptWeights naming what is wrong.
    """
    if not exists(path):
        raise MissingWeights(
            f"there is no script {shown_path(path)}", "give the path of a .script.toml"
        )
    with reading(path, "a script", "see localfair/models/script.py"):
        data = read_toml(path, MOST_SCRIPT)
        if "rule" not in data:
            raise Malformed("it has no 'rule'")
        return Script(
            name=path.name.removesuffix(SUFFIX),
            path=path,
            fingerprint="sha256:" + sha256_file(path),
            context=whole_number(data.get("context", 4096), "context", MOST_CONTEXT, 1),
            delay=_delay(data.get("delay", 0)),
            rules=tuple(_rule(rule) for rule in data["rule"]),
            parameters=whole_number(data.get("parameters", 0), "parameters", MOST_PARAMETERS),
        )


def _delay(value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= MOST_DELAY
    ):
        raise Malformed(f"delay is {quoted(value)}, it must be 0 to {MOST_DELAY} seconds")
    return float(value)


def _rule(data: dict[str, Any]) -> Rule:
    only = [data["reply"]] if "reply" in data else [""]
    replies = data.get("replies", only)
    if not isinstance(replies, list) or not all(isinstance(reply, str) for reply in replies):
        raise Malformed("the replies of a rule are no list of texts")
    scores = dict(data.get("scores", {}))
    if not all(isinstance(score, int | float) for score in scores.values()):
        raise Malformed("the scores of a rule are no numbers")
    return Rule(when=re.compile(data["when"], re.S), replies=tuple(replies), scores=scores)
