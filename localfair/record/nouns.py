"""The nouns that stages and engines hand to one another, and how their ids are made.

An id is the tagged hash of what makes a thing what it is (`content_id`), so the same thing made
twice is one row. Knows nothing of SQLite, models or files. What a column of the record means stands
in `record/schema`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

Split = Literal["train", "dev", "test"]
Kind = Literal["feedback", "rationale", "answer"]
Role = Literal["student", "teacher", "reviewer", "mentor"]


class Grade(StrEnum):
    """What the mechanical check says of an answer. Unreadable is neither right nor wrong."""

    RIGHT = "right"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


# -- identity -------------------------------------------------------------------------------------


# made once: every request and every reply is written with it
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical_json(value: object) -> str:
    """One text per value: sorted keys, no spaces. Raises ValueError for NaN and the infinities."""
    return _encode(value)


def content_id(noun: str, **parts: object) -> str:
    """`b2:` and 32 hex digits: blake2b over the canonical JSON of the noun and its parts (ours)."""
    text = canonical_json([noun, parts])
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"b2:{digest}"


def seed_of(digest: str, bits: int = 31) -> int:
    """So many bits of a tagged hash, as a seed (ours)."""
    return int(digest.removeprefix("b2:"), 16) % (1 << bits)


# -- tasks ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One item of a task.

    `gold` is the bare answer, `rationale` the data set's solution, "" when it has none.
    """

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


# -- requests and replies -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn. `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a reply is drawn. temperature 0 is greedy.

    A recipe's `sampling` table is one of these. pydantic checks the bounds where a recipe is read;
    nothing else does.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}

    temperature: Annotated[float, Ge(0), Le(5)] = 0.0
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0
    max_tokens: Annotated[int, Ge(1), Le(2**20)] = 256
    stop: tuple[str, ...] = ()
    # whether a model that can think is to; its card's word, else its template's, where left out
    enable_thinking: bool | None = None

    def data(self) -> dict[str, Any]:
        """As plain data, as ids and the record have it: what came later only where it is set."""
        # spelt out: every request is hashed, and `asdict` would copy each value
        data: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "stop": self.stop,
        }
        if self.enable_thinking is not None:
            data["enable_thinking"] = self.enable_thinking
        return data


@dataclass(frozen=True, slots=True)
class Constraint:
    """The form of a whole reply: a JSON schema (as canonical JSON) or a GBNF grammar."""

    kind: Literal["json_schema", "gbnf"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """What, besides the request, decides a reply: weights, adapter, chat template, engine.

    `fingerprint` stands for the weights, `adapter` is "" for none. `engine` names the engine and
    the precision of its base (`transformers/bf16`, `llama_cpp/gguf`), so that two engines never
    share a recorded generation.
    """

    model: str
    fingerprint: str
    chat_template: str
    engine: str
    adapter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call to an engine.

    `about` names the question for error messages and is not part of the identity.
    action `generate`: reply to `messages`, in the form that `constraint` allows; `logprobs` asks
    for the log-probability of each token written. action `score`: log-probabilities of each of
    `continuations` after `messages`, nothing sampled. `sample` numbers the replies that one prompt
    is asked for.
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
        """The id of the generation that answers this: same id, same row, never sent twice.

        The model's name is left out: its fingerprint stands for it.
        """
        # Older records keep their ids: what the first release did not know enters only where it is
        # asked for, and `kind` and `family` are the names that it had.
        later: dict[str, Any] = {}
        if self.constraint:
            later["constraint"] = [self.constraint.kind, self.constraint.text]
        if self.logprobs:
            later["logprobs"] = True
        return content_id(
            "request",
            kind=self.action,
            fingerprint=identity.fingerprint,
            adapter=identity.adapter,
            chat_template=identity.chat_template,
            family=identity.engine,
            messages=[[message.role, message.content] for message in self.messages],
            sampling=self.sampling.data(),
            seed=self._seed_that_matters(),
            sample=self.sample,
            continuations=list(self.continuations),
            **later,
        )

    def _seed_that_matters(self) -> int:
        """0 for a score or a greedy reply: neither depends on its seed."""
        is_drawn = self.action == "generate" and self.sampling.temperature > 0
        return self.seed if is_drawn else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A request's reply.

    `finish` is `stop` (the model ended its turn or a stop string was met) or `length`. For a score
    request `text` is empty and `logprobs` holds one summed natural log-probability per
    continuation. For a request with `logprobs` it holds one per token written, under the model's
    own distribution, before temperature, nucleus or constraint.
    """

    request: Request
    text: str
    finish: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    logprobs: tuple[float, ...] = ()


# -- the committee --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A role's place in the committee. The same model may hold several, each with its own seed."""

    role: Role
    index: int
    model: str
    fingerprint: str
    adapter: str = ""
    run_seed: int = 0

    @property
    def id(self) -> str:
        """The hash of all its fields."""
        return content_id("seat", **asdict(self))

    @property
    def seed(self) -> int:
        """What every draw of this seat begins from; another run's seed makes it another."""
        return seed_of(self.id)

    def __str__(self) -> str:
        return f"{self.role}#{self.index}:{self.model}"
