"""How stages pick rows: draws, demonstrations, and explanations with what their authors wrote.

The record keeps raw replies; stages see their answers, and the thinking apart from them. Reads the
record; writes nothing. Knows nothing of what any one stage does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from localfair.committee.ask import PIECE
from localfair.errors import TaskError
from localfair.recipe.fences import marks_in, repeats_mark
from localfair.record.made import Answer, Explanation, Reply
from localfair.record.nouns import Grade, Kind, Message, Question, Seat, content_id
from localfair.record.store import Store
from localfair.record.tables import ANSWERS, REPLIES, SEATS
from localfair.stages.step import Work
from localfair.tasks.reply import SplitReply, said_once, split_reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """What a recorded reply says, its answer apart from its thinking.

    text: the answer, "" when the reply never came to one. thinking: what was thought before.
    unanswered: why there is no answer. marks: those around quoted text in the prompt.
    """

    text: str
    finish: str
    thinking: str = ""
    unanswered: str | None = None
    marks: frozenset[str] = frozenset()

    def with_thinking(self) -> str:
        """The thinking, in the form that Qwen3, SmolLM3 and DeepSeek-R1 give it, and the answer."""
        if not self.thinking:
            return self.text
        return f"<think>\n{self.thinking}\n</think>\n\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Worded):
    """An explanation with what its author wrote and who that was: what reviews and lessons are made
    from.

    mistake: what the student answered, "" when the explanation is about no mistake. false_step: which
    of its steps does not hold, None where none was looked for or found.
    """

    explanation: Explanation
    author: Seat
    mistake: str = ""
    false_step: str | None = None

    @property
    def id(self) -> str:
        """The explanation's."""
        return self.explanation.id

    @property
    def kind(self) -> Kind:
        """The explanation's."""
        return self.explanation.kind

    @property
    def question(self) -> str:
        """The id of the question that is explained."""
        return self.explanation.question


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAnswer(Worded):
    """An answer of the student that is right: a rationale of its own.

    prompt: the exam's.
    """

    answer: Answer
    prompt: tuple[Message, ...]

    @property
    def id(self) -> str:
        """The answer's."""
        return self.answer.id

    @property
    def kind(self) -> Kind:
        """It answers the question, as a teacher's rationale does."""
        return "rationale"

    @property
    def question(self) -> str:
        """The id of the question that is answered."""
        return self.answer.question


Candidate = Written | OwnAnswer  # what a lesson may be made from
Drawn = TypeVar("Drawn", Written, OwnAnswer, Candidate)


def why_unfit(written: Worded, completion: str) -> str | None:
    """Why nobody can learn this completion of a reply, whatever reviews say of it.

    None when there is no such reason.
    """
    if written.unanswered:
        return written.unanswered
    if not written.text.strip():
        return "empty"
    if repeats_mark(completion, written.marks):
        return "repeats a mark around quoted text of its prompt"
    return None


def answer_text(reply: Reply) -> str:
    """What a recorded reply answers, without its thinking and what the model went on to write.

    "" when it never came to an answer.
    """
    return _said(split_reply(reply.text))


def _said(reply: SplitReply) -> str:
    """The answer of a reply, in which a loop that was cut is said once; "" where there is none."""
    answer = (reply.answer or "").strip()
    return said_once(answer) if reply.run_on else answer


def with_texts(store: Store, explanations: Sequence[Explanation]) -> list[Written]:
    """Explanations with their texts, in the order given."""
    written: list[Written] = []
    for start in range(0, len(explanations), PIECE):
        written += _piece_with_texts(store, explanations[start : start + PIECE])
    return written


def _piece_with_texts(store: Store, explanations: Sequence[Explanation]) -> Iterator[Written]:
    generations = [explanation.generation for explanation in explanations]
    replies = store.get(REPLIES, generations)
    prompts = store.prompts(generations)
    answers = store.get(ANSWERS, [each.answer for each in explanations if each.answer])
    mistakes = store.get(REPLIES, [answer.generation for answer in answers.values()])
    seats = store.get(SEATS, [explanation.seat for explanation in explanations])
    for explanation in explanations:
        mistake = ""
        if explanation.answer in answers:
            mistake = answer_text(mistakes[answers[explanation.answer].generation])
        generation = explanation.generation
        yield Written(
            explanation=explanation,
            author=seats[explanation.seat],
            mistake=mistake,
            **_worded(replies[generation], prompts[generation]),
        )


def own_answers(store: Store, answers: Sequence[Answer]) -> list[OwnAnswer]:
    """Those of the student's answers that may be lessons, in the order given: right, not cut off."""
    right = [answer for answer in answers if answer.grade == Grade.RIGHT]
    candidates: list[OwnAnswer] = []
    for start in range(0, len(right), PIECE):
        piece = right[start : start + PIECE]
        generations = [answer.generation for answer in piece]
        replies = store.get(REPLIES, generations)
        prompts = store.prompts(generations)
        for answer in piece:
            reply = replies[answer.generation]
            if reply.finish == "length":
                continue
            prompt = prompts[answer.generation]
            candidates.append(OwnAnswer(answer=answer, prompt=prompt, **_worded(reply, prompt)))
    return candidates


def _worded(reply: Reply, prompt: Sequence[Message]) -> dict[str, Any]:
    """The fields of `Worded` that a reply to a prompt gives."""
    split = split_reply(reply.text)
    return {
        "text": _said(split),
        "finish": reply.finish,
        "thinking": split.thinking.strip(),
        "unanswered": _why_unanswered(split),
        "marks": marks_in(message.content for message in prompt),
    }


def _why_unanswered(reply: SplitReply) -> str | None:
    """Why a reply never came to an answer, or None when it did."""
    if reply.answer is not None:
        return None
    return "a loop without an answer" if reply.run_on else "never left its thinking"


def draw_key(seed: int, purpose: str, row_id: str) -> str:
    """Where a row stands in a draw: it depends on the seed, the purpose and the row's id alone
    (ours).
    """
    return content_id("draw", seed=seed, purpose=purpose, row=row_id)


def draw(seed: int, purpose: str, ids: Iterable[str], count: int | None = None) -> list[str]:
    """`count` of the ids, or all of them, in the order of a draw."""
    order = sorted(ids, key=lambda row_id: draw_key(seed, purpose, row_id))
    return order[:count]


def draw_written(
    seed: int, purpose: str, written: Iterable[Drawn], count: int | None = None
) -> list[Drawn]:
    """`count` of the candidates, or all of them, in the order of a draw."""
    order = sorted(written, key=lambda explanation: draw_key(seed, purpose, explanation.id))
    return order[:count]


def by_question(written: Iterable[Drawn]) -> dict[str, list[Drawn]]:
    """Candidates by their question's id, in their order."""
    grouped: dict[str, list[Drawn]] = {}
    for explanation in written:
        grouped.setdefault(explanation.question, []).append(explanation)
    return grouped


class Demonstrations:
    """Train questions with gold rationales to show before a question, drawn per run (TinyLLM §3:
    random).
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._pool: list[Question] | None = None

    def before(self, question: Question, count: int) -> list[Question]:
        """`count` demonstrations, never the question itself.

        Raises TaskError when there are too few.

        They are the same for every question of the run, so that they stand in a shared prefix,
        except where one of them is the question.
        """
        if not count:
            return []
        pool = self._drawn()
        if len(pool) <= count:
            raise TaskError(
                f"task {self._work.task.name!r} has too few gold rationales "
                f"for {count} demonstrations",
                "set demonstrations=0",
            )
        # one more than is wanted, in case the question is among them
        others = [shown for shown in pool[: count + 1] if shown.id != question.id]
        return others[:count]

    def values(self, question: Question, count: int) -> list[dict[str, object]]:
        """The demonstrations before a question, as templates use them."""
        wording = self._work.wording
        return [
            wording.values(shown) | {"rationale": shown.rationale}
            for shown in self.before(question, count)
        ]

    def _drawn(self) -> list[Question]:
        if self._pool is None:
            questions = self._work.store.questions(self._work.task.name, "train")
            explained = {question.id: question for question in questions if question.rationale}
            order = draw(self._work.seed, "demonstration", explained)
            self._pool = [explained[question_id] for question_id in order]
        return self._pool
