"""The nouns, as frozen dataclasses; see DESIGN words in the README.

Knows nothing of SQLite, models or files. Every id is the tagged hash of what makes the
thing what it is (`content_id`), so the same thing made twice is one row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

Split = Literal["train", "dev", "test"]
Kind = Literal["feedback", "rationale", "answer"]
Role = Literal["student", "teacher", "reviewer", "mentor"]


class Grade(StrEnum):
    """What the mechanical check says of an answer. Unreadable is an outcome of its own."""

    RIGHT = "right"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def content_id(noun: str, **parts: Any) -> str:
    """`b2:` + 32 hex digits of blake2b over the canonical JSON of `parts`, per noun (ours)."""
    text = canonical_json([noun, parts])
    return "b2:" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def soft_label_id(key: Mapping[str, Any]) -> str:
    """The hash of what decides a soft label: mentor, adapter, engine, tokens, top k, shared ids, temperature.

    The engine enters under the name that its column had in the first release, so that older records keep their ids.
    """
    same = {
        name: key[name] for name in ("mentor", "adapter", "tokens", "top_k", "vocabulary", "tau")
    }
    return content_id("soft_label", family=key["engine"], **same)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One item of a task. `gold` is the bare answer; `rationale` the data set's own solution, if any."""

    task: str
    key: str
    split: Split
    text: str
    gold: str
    choices: tuple[str, ...] = ()
    rationale: str = ""

    @property
    def id(self) -> str:
        """The same text, choices and gold in one task is the same question, whatever its split."""
        return content_id(
            "question", task=self.task, text=self.text, choices=list(self.choices), gold=self.gold
        )


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade and what was read out of the text (None when nothing could be)."""

    grade: Grade
    read: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn: role is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a reply is drawn. temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 256
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a whole reply must be: a value of a JSON schema (canonical JSON text), or what a GBNF grammar allows."""

    kind: Literal["json_schema", "gbnf"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """What, besides the request, decides a reply: weights, adapter, chat template, engine family.

    `engine` names the engine and its base precision (`transformers/bf16`, `llama_cpp/gguf`),
    so that two engines never share a recorded generation.
    """

    model: str
    fingerprint: str
    chat_template: str
    engine: str
    adapter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call to an engine. `about` names the question for error messages and is not part of the identity.

    action `generate`: reply to `messages`. action `score`: log-probabilities of each of
    `continuations` after `messages`, nothing sampled. `constraint` binds a reply's form; `logprobs` asks for
    the log-probability of each token written.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    sample: int = 0
    action: Literal["generate", "score"] = "generate"
    continuations: tuple[str, ...] = ()
    constraint: Constraint | None = None
    logprobs: bool = False
    about: str = ""

    def id(self, identity: EngineIdentity) -> str:
        """Same id, same row, never sent twice. The model's name is left out: its fingerprint stands for it.

        What was added to requests later enters only where it is asked for: older records keep their ids.
        """
        later: dict[str, Any] = (
            {"constraint": [self.constraint.kind, self.constraint.text]} if self.constraint else {}
        )
        later |= {"logprobs": True} if self.logprobs else {}
        return content_id(
            "request",
            kind=self.action,
            fingerprint=identity.fingerprint,
            adapter=identity.adapter,
            chat_template=identity.chat_template,
            family=identity.engine,
            messages=[[m.role, m.content] for m in self.messages],
            sampling=asdict(self.sampling),
            # a greedy reply does not depend on its seed
            seed=self.seed if self.sampling.temperature > 0 and self.action == "generate" else 0,
            sample=self.sample,
            continuations=list(self.continuations),
            **later,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A request's reply. `finish` is `stop` (the model ended its turn or a stop string was met) or `length`.

    For a score request `text` is empty and `logprobs` holds one summed natural log-probability per continuation;
    for a request with `logprobs` it holds one per token written, under the model's own distribution, before
    temperature, nucleus or constraint.
    """

    request: Request
    text: str
    finish: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A place at the table: the same model may hold several, each with its own seed."""

    role: Literal["student", "teacher", "reviewer", "mentor"]
    index: int
    model: str
    fingerprint: str
    adapter: str = ""
    run_seed: int = 0

    @property
    def id(self) -> str:
        return content_id("seat", **asdict(self))

    @property
    def seed(self) -> int:
        """31 bits of the hash of the run's seed and the seat's (role, index, model, adapter)."""
        return int(self.id[3:], 16) % (2**31)

    def __str__(self) -> str:
        return f"{self.role}#{self.index}:{self.model}"
