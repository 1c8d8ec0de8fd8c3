"""A script: a model that is a file of rules, for documentation and tests.

The scripted engine answers from it.

Reads one TOML file, `<name>.script.toml`; writes nothing. Knows nothing of requests. The first rule
whose `when` (a regular expression) is found in a request's messages gives the reply: one of
`replies`, chosen by the request's seed, with `\\1` standing for the pattern's groups. `scores` maps
a continuation to its log-probability. `delay` (seconds a reply takes) makes a script as slow as a
real model, so that being interrupted can be tried.

    context = 4096
    delay = 0.0
    [[rule]]
    when = "What is (\\d+) plus 0"
    replies = ["The answer is \\\\1."]
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from localfair.errors import CorruptWeights, MissingWeights

SUFFIX = ".script.toml"


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
    try:
        raw = path.read_bytes()
        data = tomllib.loads(raw.decode())
        return Script(
            name=path.name.removesuffix(SUFFIX),
            path=path,
            fingerprint="sha256:" + hashlib.sha256(raw).hexdigest(),
            context=int(data.get("context", 4096)),
            delay=float(data.get("delay", 0)),
            rules=tuple(_rule(rule) for rule in data["rule"]),
        )
    except FileNotFoundError as error:
        raise MissingWeights(
            f"there is no script {path}", "give the path of a .script.toml"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, re.error) as error:
        raise CorruptWeights(
            f"{path} is not a script: {error}", "see localfair/models/script.py"
        ) from error


def _rule(data: dict[str, Any]) -> Rule:
    only = [data["reply"]] if "reply" in data else [""]
    return Rule(
        when=re.compile(data["when"], re.S),
        replies=tuple(data.get("replies", only)),
        scores=dict(data.get("scores", {})),
    )
