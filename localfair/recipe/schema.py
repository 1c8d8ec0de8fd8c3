"""The closed vocabulary of recipes: every step and key of a recipe.toml, with what it does.

No expressions, no dotted imports. Knows nothing of files, models, tasks or the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from localfair.recipe.strict import (
    MOST_EPOCHS,
    MOST_ROUNDS,
    MOST_SAMPLES,
    MOST_STEPS,
    MOST_TOKENS,
    MOST_WEIGHT,
    Strict,
)
from localfair.recipe.writing import Write
from localfair.record.nouns import Role, Sampling

Section = Literal["before", "round", "after"]
SECTIONS: tuple[Section, ...] = get_args(Section)
Asked = Literal["rationale", "answer"]  # which prompt a model is examined with
Distinct = Literal["text", "equations"]
Take = Annotated[int, Field(ge=0, le=MOST_SAMPLES)] | Literal["all", "each-teacher"]


class Step(Strict):
    """What every step has: an id to name it by, and a switch to leave it out."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    enabled: bool = True


class Exam(Step):
    """A role answers the questions of one split; each answer is graded."""

    stage: Literal["exam"]
    role: Role = "student"
    split: Literal["train", "dev", "test"]
    ask: Asked = "rationale"
    samples: int = Field(1, ge=1, le=MOST_SAMPLES)
    # so many more train questions than the run's own: nobody else is asked about these
    beyond: int = Field(0, ge=0, le=MOST_STEPS)
    unreadable_is: Literal["mistake", "format", "nothing"] = "mistake"
    sampling: Sampling = Sampling()


class Inquire(Step):
    """Authors write explanations, about the mistakes of an earlier exam, about every question, or
    about those that neither that exam nor an earlier author answered right.
    """

    stage: Literal["inquire"]
    role: Literal["teacher", "mentor"] = "teacher"
    about: Literal["mistakes", "questions", "unsolved"] = "mistakes"
    input: str = ""  # the exam whose answers; the nearest earlier one on train when left out
    # only so many questions, in task order: of all of the train split, and of the unsolved ones
    first: int | None = Field(None, ge=1, le=MOST_STEPS)
    at_most: int | None = Field(None, ge=1, le=MOST_STEPS)
    # authors one after another, each only about questions that no earlier one answered right
    turns: bool = False
    # train questions, the first in task order, about which all are asked to find who comes first
    order_on: int = Field(24, ge=1, le=MOST_STEPS)
    # of these the most alike to a question decide who is asked about it: not who solved none of them
    nearest: int = Field(0, ge=0, le=MOST_STEPS)
    write: Write
    sampling: Sampling = Sampling()


class Accept(Strict):
    """The gate: an explanation is accepted when all of it holds."""

    mean_above: float = Field(3.0, ge=0, le=5)  # strict
    min_reviews: int = Field(1, ge=0, le=MOST_SAMPLES)
    answer_check: bool = True  # a rationale must reach the gold answer
    finished: bool = True  # a reply cut off at max_tokens is rejected
    # every sum that a rationale writes out must hold, and it must follow what its question tells
    steps: bool = False
    # a rationale must show how its answer comes about: an answer alone teaches to leave steps out
    shows_steps: bool = False
    # calibrated: votes count for what labelled rationales show them to be worth, see stages/trusted;
    # the keys below are for it alone
    gate: Literal["mean", "calibrated"] = "mean"
    precision: float = Field(0.8, gt=0, lt=1)  # the share of right ones among what it accepts
    labels: int = Field(60, ge=0, le=MOST_STEPS)  # train questions, the first in task order
    plants: int = Field(0, ge=0, le=MOST_SAMPLES)  # wrong rationales with a forged verdict in them

    def policy(self) -> dict[str, Any]:
        """What a verdict follows from, as plain data.

        Keys of another gate are left out, and so are checks that are not made.
        """
        unused = {"labels", "plants"}  # the fit holds what came of them
        if self.gate == "mean":
            unused |= {"gate", "precision"}
        for check in ("steps", "shows_steps"):
            if not getattr(self, check):
                unused.add(check)
        return self.model_dump(exclude=unused)

    @property
    def needed(self) -> int:
        """Valid reviews that an explanation needs: nothing reviewed is accepted on none."""
        return max(1, self.min_reviews)


class Review(Step):
    """Seats score one another's explanations; verdicts follow.

    mode `none`: the mechanical checks alone.
    """

    stage: Literal["review"]
    input: tuple[str, ...] = ()
    of: tuple[Literal["feedback", "rationale"], ...] = ("feedback", "rationale")
    mode: Literal["reasoned", "direct", "none"] = "reasoned"
    gold: bool = True  # whether reviewers see the gold answer
    demonstrations: int = Field(0, ge=0, le=MOST_SAMPLES)
    exhaustive: bool = False  # also ask for the reviews that can no longer change a verdict
    # bind a reasoned reply's form: reasons, then [1] to [5]; needs an engine that can
    constrained: bool = False
    accept: Accept = Accept()
    sampling: Sampling = Sampling()

    @property
    def is_calibrated(self) -> bool:
        """Whether somebody is asked, and votes count for what they are worth."""
        return self.mode != "none" and self.accept.gate == "calibrated"


class PerQuestion(Strict):
    """How many lessons of a kind one question gives at most."""

    feedback: Take = 0
    rationale: Take = 0
    answer: int = Field(0, ge=0, le=1)
    # the student's own right answers in its exam on train: rationales that cost no teacher a token
    own: Annotated[int, Field(ge=0, le=MOST_SAMPLES)] | Literal["all"] = 0
    # the data set's own solution, where it has one, learned as a rationale; nobody is asked
    gold: int = Field(0, ge=0, le=1)

    @property
    def kinds(self) -> set[str]:
        """The kinds of lessons that it takes any of; own answers and gold solutions are rationales."""
        kinds = {kind for kind in ("feedback", "rationale", "answer") if getattr(self, kind)}
        return kinds | {"rationale"} if self.own or self.gold else kinds


class Select(Step):
    """Accepted explanations become lessons, drawn with the run's seed."""

    stage: Literal["select"]
    input: tuple[str, ...] = ()
    per_question: PerQuestion
    complete: bool = True  # a question counts only when it has every kind that was written about it
    unique: bool = True  # the same prompt and completion is one lesson
    # what makes two completions of one prompt the same: their text up to white space; or, where a
    # rationale writes any, its equations in their order (RFT, arXiv 2308.01825)
    distinct: Distinct = "text"
    # which of more candidates than are taken: drawn with the run's seed; or those with the highest
    # log-probability a token under the student as it sits (GRAPE, arXiv 2502.04194)
    prefer: Literal["random", "likely"] = "random"
    # whether a lesson keeps what its author thought before the answer, as <think>...</think>: for
    # teachers that think, and a student that shall
    thinking: Literal["drop", "keep"] = "drop"
    # no lesson shares that many words in a row with dev or test; 0: not looked at
    decontaminate: int = Field(13, ge=0, le=MOST_STEPS)
    # of a step that is done in every round: what it made in the last one, or in all rounds so far
    rounds: Literal["last", "all"] = "last"
    # lessons in all, questions drawn at random, each with all of its own; 0: no limit
    at_most: int = Field(0, ge=0, le=MOST_STEPS)


class Soften(Step):
    """A mentor's top-k log-probabilities for every label token of the student's lessons."""

    stage: Literal["soften"]
    role: Literal["mentor"] = "mentor"
    input: str = ""
    top_k: int = Field(64, ge=1, le=MOST_STEPS)
    # of mentor and student both: a kl term compares them at the tau that was recorded
    tau: float = Field(1.0, gt=0, le=1000)


class CrossEntropy(Strict):
    """Mean over the response tokens of one kind."""

    term: Literal["ce"]
    kind: Literal["feedback", "rationale", "answer"]
    each_teacher: bool = False  # one mean, and so one weight, per teacher
    weight: float = Field(1.0, ge=0, le=MOST_WEIGHT)
    # with each_teacher: one per teacher named, in their order
    weights: tuple[Annotated[float, Field(ge=0, le=MOST_WEIGHT)], ...] = ()

    def weight_of(self, teacher: int | None) -> float:
        """The weight of the mean that a teacher's lessons belong to."""
        if teacher is None or not self.weights:
            return self.weight
        return self.weights[teacher]


class Divergence(Strict):
    """KL(mentor || student) over label tokens, at the temperature of the soften step before it."""

    term: Literal["kl"]
    weight: float = Field(ge=0, le=MOST_WEIGHT)


class LanguageModel(Strict):
    """All tokens, those of the prompt at `prompt_weight`, divided by the number of tokens."""

    term: Literal["lm"]
    prompt_weight: float = Field(0.1, ge=0, le=1)
    weight: float = Field(1.0, ge=0, le=MOST_WEIGHT)


class Triplet(Strict):
    """Self-reflection: pulls a rationale to another right one and away from the student's
    mistake.
    """

    term: Literal["triplet"]
    max_tokens: int = Field(192, ge=1, le=MOST_TOKENS)
    weight: float = Field(ge=0, le=MOST_WEIGHT)


LossTerm = Annotated[
    CrossEntropy | Divergence | LanguageModel | Triplet, Field(discriminator="term")
]


class Adapter(Strict):
    """What is trained: LoRA on an NF4 base (qlora) or on the unquantised one (lora)."""

    method: Literal["qlora", "lora"] = "qlora"
    rank: int = Field(16, ge=1, le=65536)
    alpha: int = Field(32, ge=1, le=MOST_WEIGHT)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"


class BestEpoch(Strict):
    """Adapters of several epochs sit an exam on dev, never on test; the first of the best is kept."""

    # the epochs whose adapters sit it, counted from 1; every one where it is left out
    epochs: tuple[Annotated[int, Field(ge=1, le=MOST_EPOCHS)], ...] = ()
    # which prompt the model is examined with; that of the recipe's last exam where it is left out
    ask: Asked | None = None
    sampling: Sampling = Sampling()


class Until(Strict):
    """Training ends with the epoch after which the lessons are known (after arXiv 2602.11149)."""

    # the share of the lessons' reply tokens that the student then predicts right
    accuracy: float = Field(gt=0, le=1)
    # at most so many; goes before the step's own `epochs`, and schedules are laid over so many
    epochs: int = Field(ge=1, le=MOST_EPOCHS)


class Train(Step):
    """Lessons into an adapter."""

    stage: Literal["train"]
    role: Literal["student", "mentor"] = "student"
    input: str = ""
    start: Literal["base", "last"] = Field("base", alias="from")
    loss: tuple[LossTerm, ...] = Field(min_length=1)
    adapter: Adapter = Adapter()
    learning_rate: float = Field(gt=0, le=10)
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    warmup: int = Field(0, ge=0, le=MOST_STEPS)  # steps
    epochs: int = Field(1, ge=1, le=MOST_EPOCHS)
    until: Until | None = None  # all epochs are trained where it is left out
    batch: int = Field(8, ge=1, le=65536)
    accumulation: int = Field(1, ge=1, le=65536)
    max_length: int = Field(512, ge=16, le=MOST_TOKENS)
    weight_decay: float = Field(0.0, ge=0, le=10)
    clip: float = Field(1.0, gt=0, le=MOST_WEIGHT)
    checkpoint_every: int = Field(50, ge=1, le=10**9)
    gradient_checkpointing: bool = False
    best_epoch: BestEpoch | None = None  # the last epoch's adapter is kept where it is left out
    group_by_length: bool = False  # lessons of like length share a batch: less padding
    # never two lessons of one question in a batch; goes before group_by_length
    one_question_a_batch: bool = False

    @property
    def most_epochs(self) -> int:
        """How many epochs it trains at most."""
        return self.until.epochs if self.until else self.epochs


RecipeStep = Annotated[
    Exam | Inquire | Review | Select | Soften | Train, Field(discriminator="stage")
]
STAGES = ("exam", "inquire", "review", "select", "soften", "train")


class Defaults(Strict):
    """What `run` takes when the command line does not say; only an embedded recipe needs it."""

    task: str | None = None
    student: str | None = None
    teachers: tuple[str, ...] = ()
    engine: str | None = None
    train_limit: int | None = Field(None, ge=1, le=10**9)
    test_limit: int | None = Field(None, ge=1, le=10**9)


class EarlyStop(Strict):
    """Rounds end when this exam on dev stops improving.

    What follows them uses the best round's adapter.
    """

    exam: str
    patience: int = Field(1, ge=1, le=MOST_ROUNDS)


class Recipe(Strict):
    """One method, as data. `steps()` gives the order in which a run does them."""

    name: str
    paper: str = ""
    summary: str = ""
    note: str = ""  # said when a run begins: what its result will and will not mean
    rounds: int = Field(1, ge=1, le=MOST_ROUNDS)
    # of those named, who takes part, by index; all when empty
    teachers: tuple[Annotated[int, Field(ge=0, le=MOST_SAMPLES)], ...] = ()
    early_stop: EarlyStop | None = None
    defaults: Defaults = Defaults()
    before: tuple[RecipeStep, ...] = ()
    round: tuple[RecipeStep, ...] = Field(min_length=1)
    after: tuple[RecipeStep, ...] = ()
    # name -> template text, filled from prompts/*.md
    prompts: dict[str, str] = Field(default_factory=dict)

    def sections(self) -> Iterator[tuple[Section, int, RecipeStep]]:
        """(section, the step's position in it, step) in the order written."""
        for section in SECTIONS:
            for position, step in enumerate(getattr(self, section)):
                yield section, position, step

    def steps(self) -> Iterator[tuple[int, RecipeStep]]:
        """(round, step) in the order of the run; round 0 is `before`, rounds + 1 is `after`."""
        for number in range(self.rounds + 2):
            for step in self._round(number):
                if step.enabled:
                    yield number, step

    def _round(self, number: int) -> tuple[RecipeStep, ...]:
        if number == 0:
            return self.before
        return self.round if number <= self.rounds else self.after
