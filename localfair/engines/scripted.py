"""An engine that answers from a script: a shipped peer of the real ones, for documentation and tests.

Reads one TOML file of rules. The first rule whose `when` (a regular expression) is found in the
request's messages gives the reply: one of `replies`, chosen by the request's seed, with `\\1`
standing for the pattern's groups. `delay` (seconds a reply takes) makes it as slow as a real model,
so that being interrupted can be tried. Knows nothing of models, tasks or the store.

    context = 4096
    delay = 0.0
    [[rule]]
    when = "What is (\\d+) plus 0"
    replies = ["The answer is \\\\1."]
"""

from __future__ import annotations

import hashlib
import math
import re
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.engines.base import refuse_constraint
from localfair.errors import CorruptWeights, MissingWeights, PromptTooLong
from localfair.record.nouns import EngineIdentity, Generation, Request

SUFFIX = ".script.toml"


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is searched in the whole prompt; `replies` are templates for `Match.expand`."""

    when: re.Pattern[str]
    replies: tuple[str, ...]
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Script:
    """Rules in order, a context length in words (a script's tokens are words), seconds a reply takes."""

    name: str
    fingerprint: str
    context: int
    delay: float
    rules: tuple[Rule, ...]


def load_script(path: Path) -> Script:
    """Read a script. Raises CorruptWeights naming what is wrong with it."""
    try:
        raw = path.read_bytes()
        data = tomllib.loads(raw.decode())
        rules = tuple(_rule(r) for r in data["rule"])
        context, delay = int(data.get("context", 4096)), float(data.get("delay", 0))
    except FileNotFoundError as error:
        raise MissingWeights(
            f"there is no script {path}", "give the path of a .script.toml"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, re.error) as error:
        raise CorruptWeights(
            f"{path} is not a script: {error}", "see localfair/engines/scripted.py"
        ) from error
    fingerprint = "sha256:" + hashlib.sha256(raw).hexdigest()
    return Script(path.name.removesuffix(SUFFIX), fingerprint, context, delay, rules)


def _rule(data: dict[str, Any]) -> Rule:
    replies = data.get("replies", [data["reply"]] if "reply" in data else [""])
    return Rule(re.compile(data["when"], re.S), tuple(replies), dict(data.get("scores", {})))


class ScriptedEngine:
    """Answers at once, in the order asked; counts `calls` and `loads` so that a test can."""

    def __init__(self, script: Script, adapter_id: str = "") -> None:
        self.script = script
        self.calls = 0
        self.loads = 0
        self._loaded = False
        self.identity = EngineIdentity(
            model=script.name,
            fingerprint=script.fingerprint,
            chat_template="",
            engine="scripted",
            adapter=adapter_id,
        )

    def generate(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """One reply per request. Raises PromptTooLong before the first reply."""
        pending = list(requests)
        for request in pending:
            refuse_constraint(request, "scripted")
            self._check(request)
        self._load()
        for request in pending:
            self._count()
            rule, match = self._find(request)
            template = rule.replies[request.seed % len(rule.replies)]
            words = match.expand(template).split(" ")
            cut = words[: request.sampling.max_tokens]
            finish = "stop" if len(cut) == len(words) else "length"
            yield self._generation(request, " ".join(cut), finish, len(cut))

    def score(self, requests: Iterable[Request]) -> Iterator[Generation]:
        """The rule's `scores` per continuation (log-probabilities); uniform for those it does not name."""
        for request in requests:
            self._load()
            self._count()
            rule, _ = self._find(request)
            uniform = -math.log(len(request.continuations))
            logprobs = tuple(rule.scores.get(c, uniform) for c in request.continuations)
            yield self._generation(request, "", "stop", 0, logprobs)

    def close(self) -> None:
        """Nothing is held; the next request counts as a load."""
        self._loaded = False

    def _load(self) -> None:
        if not self._loaded:
            self._loaded, self.loads = True, self.loads + 1

    def _count(self) -> None:
        self.calls += 1
        time.sleep(self.script.delay)

    def _check(self, request: Request) -> None:
        needed = len(prompt_text(request).split()) + request.sampling.max_tokens
        if needed > self.script.context:
            raise PromptTooLong(
                f"{request.about or 'a prompt'} needs {needed} tokens, {self.script.name} has {self.script.context}",
                "lower max_tokens, or choose a model with a longer context",
            )

    def _find(self, request: Request) -> tuple[Rule, re.Match[str]]:
        text = prompt_text(request)
        for rule in self.script.rules:
            if match := rule.when.search(text):
                return rule, match
        raise CorruptWeights(
            f"no rule of script {self.script.name!r} matches: {text[:80]!r}",
            'end it with a rule `when = ""`',
        )

    def _generation(
        self,
        request: Request,
        text: str,
        finish: Any,
        tokens: int,
        logprobs: tuple[float, ...] = (),
    ) -> Generation:
        prompt_tokens = len(prompt_text(request).split())
        return Generation(
            request=request, text=text, finish=finish, prompt_tokens=prompt_tokens,
            completion_tokens=tokens, seconds=0.0, logprobs=logprobs,
        )  # fmt: skip


def prompt_text(request: Request) -> str:
    """All messages as one text."""
    return "\n".join(m.content for m in request.messages)


def open(model: Script, *, adapter_id: str = "", **_: Any) -> ScriptedEngine:
    """The seam's `open`: a script is the whole model."""
    return ScriptedEngine(model, adapter_id)
