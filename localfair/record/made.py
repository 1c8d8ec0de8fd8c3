"""What the stages make: answers, explanations, reviews, verdicts and lessons, and what a model said.

Each is one shape, whoever reads it. An id is the hash of what makes a thing what it is; what was
then read out of it (a grade, a score) is not part of it. Knows nothing of SQLite: how a noun
becomes a row stands in `record/tables`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from localfair.record.nouns import (
    Generation,
    Grade,
    Kind,
    Message,
    Split,
    canonical_json,
    content_id,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A generation as the record holds it: what a model said, by its id, and what it cost.

    For a score `text` is empty and `logprobs` holds one number a continuation; see `Generation`.
    constrained: whether the request prescribed its form.
    """

    id: str
    action: Literal["generate", "score"]
    text: str
    finish: Literal["stop", "length"]
    constrained: bool
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    logprobs: tuple[float, ...]

    @classmethod
    def of(cls, reply_id: str, generation: Generation) -> Reply:
        """What an engine has just said, under the id that the record holds it by."""
        return cls(
            id=reply_id,
            action=generation.request.action,
            text=generation.text,
            finish=generation.finish,
            constrained=generation.request.constraint is not None,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            seconds=generation.seconds,
            logprobs=generation.logprobs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a seat said to a question in an exam, with its grade.

    question, seat, generation: ids. read: what was read out of the reply, None when nothing could
    be. reader: the version of the reader.
    """

    question: str
    split: Split
    seat: str
    generation: str
    grade: Grade
    read: str | None
    reader: int

    @property
    def id(self) -> str:
        """The hash of question, seat and generation."""
        return content_id(
            "answer", question=self.question, seat=self.seat, generation=self.generation
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a teacher wrote: a rationale answers the question, a feedback explains a mistake.

    question, seat, generation: ids. answer: the id of the mistake, None where it is about none.
    grade and read: of a rationale, by the answer check; None for a feedback.
    """

    kind: Kind
    question: str
    split: Split
    answer: str | None
    seat: str
    generation: str
    grade: Grade | None
    read: str | None
    reader: int

    @property
    def id(self) -> str:
        """The hash of kind, question, answer, seat and generation."""
        return content_id(
            "explanation",
            kind=self.kind,
            question=self.question,
            answer=self.answer,
            seat=self.seat,
            generation=self.generation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One seat's score of another seat's explanation, 1 to 5, None when none could be read.

    explanation, author, seat, generation: ids; author and seat are seats and never the same.
    same_weights: both sit on the same weights.
    """

    explanation: str
    author: str
    seat: str
    generation: str
    score: float | None
    same_weights: bool
    reader: int

    @property
    def id(self) -> str:
        """The hash of explanation, seat and generation."""
        return content_id(
            "review", explanation=self.explanation, seat=self.seat, generation=self.generation
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an explanation may be learned, and why: from its reviews, under a policy.

    policy: the gate's settings as canonical JSON. reviews: ids, sorted. mean: of the `valid`
    scores, None for none.
    """

    explanation: str
    policy: str
    reviews: tuple[str, ...]
    mean: float | None
    valid: int
    accepted: bool
    reason: str
    reader: int

    @property
    def id(self) -> str:
        """The hash of its inputs and policy: another threshold makes another verdict."""
        return content_id(
            "verdict",
            explanation=self.explanation,
            policy=self.policy,
            reviews=canonical_json(list(self.reviews)),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """A teacher's turn, by its seat's id, and what gave it: right answers, and the tokens that it read
    and wrote. solved: the ids of the questions that it answered right, sorted; empty in the record
    of an older localfair.
    """

    seat: str
    right: int
    tokens: int
    solved: tuple[str, ...] = ()

    @property
    def rate(self) -> Fraction:
        """Right answers per token."""
        return Fraction(self.right, max(1, self.tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The order in which teachers are asked one after another, and what it rests on.

    inputs: the hash of everything that decides what they were asked. questions: how many, the first
    of the train split in task order. teachers: in their order, by falling rate.
    """

    inputs: str
    task: str
    questions: int
    teachers: tuple[Turn, ...]

    @property
    def id(self) -> str:
        """The hash of the inputs: a step has one order, and keeps it when a run is extended."""
        return self.id_of(self.inputs)

    @staticmethod
    def id_of(inputs: str) -> str:
        """The id of the order that these inputs have."""
        return content_id("turns", inputs=inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What the student learns: a prompt and the reply to it.

    teacher: the author's index, None where no teacher wrote it: of a gold answer, and of the
    student's own, which names its answer among the sources. dropped: why nobody learns it, or
    None. sources: (noun, id) of every row that it came from; empty where they were not read. id: the
    hash of all of it and of its sources, in their order; a new lesson's is made from them.
    """

    question: str
    split: Split
    kind: Kind
    teacher: int | None
    prompt: tuple[Message, ...]
    completion: str
    weight: float
    dropped: str | None
    sources: tuple[tuple[str, str], ...] = ()
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self._hash())

    @property
    def own(self) -> bool:
        """Whether the student wrote it itself, in an exam: every other rationale has a teacher."""
        return self.kind == "rationale" and self.teacher is None

    def _hash(self) -> str:
        return content_id(
            "lesson",
            question=self.question,
            split=self.split,
            kind=self.kind,
            teacher=self.teacher,
            prompt=prompt_json(self.prompt),
            completion=self.completion,
            weight=self.weight,
            dropped=self.dropped,
            origin=[list(source) for source in self.sources],
        )


def prompt_json(messages: tuple[Message, ...]) -> str:
    """A prompt as the record holds it: `[[role, content], ...]` as canonical JSON."""
    return canonical_json([[message.role, message.content] for message in messages])


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftKey:
    """What decides a soft label.

    mentor: the fingerprint of its base. adapter: the one it sits with, "" for none. tokens: the id
    of a lesson's tokens. vocabulary: how many ids mentor and student share.
    """

    mentor: str
    adapter: str
    engine: str
    tokens: str
    top_k: int
    vocabulary: int
    tau: float

    @property
    def id(self) -> str:
        """The hash of all its fields."""
        return content_id(
            "soft_label",
            mentor=self.mentor,
            adapter=self.adapter,
            # the name that the column had in the first release: older records keep their ids
            family=self.engine,
            tokens=self.tokens,
            top_k=self.top_k,
            vocabulary=self.vocabulary,
            tau=self.tau,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftLabel:
    """What a mentor says of a lesson's label tokens; the arrays are those of `training.soft_labels`.

    labels: how many label tokens they are of.
    """

    key: SoftKey
    labels: int
    indices: bytes
    logprobs: bytes
    created: str

    @property
    def id(self) -> str:
        """The hash of its key."""
        return self.key.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Trained weights beside the record.

    base: the fingerprint of the model they sit on. parent: the adapter they went on from. settings:
    as canonical JSON. path: its folder, relative to the database. epochs: number, right answers and
    all answers of each epoch's exam, where one was chosen.
    """

    id: str
    role: str
    base: str
    parent: str | None
    settings: str
    path: str
    sha256: str
    steps: int
    seconds: float
    tokens: int
    peak_memory: int
    tokens_per_second: float | None
    epochs: tuple[tuple[int, int, int], ...]
    created: str


Status = Literal["running", "done", "interrupted", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One invocation. recipe: its name. effective and settings: as JSON. started, ended: UTC."""

    id: str
    recipe: str
    effective: str
    task: str
    settings: str
    seed: int
    versions: str
    started: str
    ended: str | None = None
    status: Status = "running"
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunStep:
    """A step of a run as it begins: where it stands, its id and stage, and in which round."""

    run: str
    position: int
    step: str
    stage: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """One step of a run: where it stands, in which round, what it cost and what came out.

    outcome: JSON, None until the step has ended.
    """

    position: int
    step: str
    stage: str
    round: int
    started: str
    ended: str | None
    calls: int
    reused: int
    loads: int
    outcome: str | None
