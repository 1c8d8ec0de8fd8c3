"""What lessons may be made from: explanations with their verdicts, and the student's own answers.

Reads explanations, verdicts, answers and questions; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from localfair.errors import TaskError
from localfair.recipe.schema import Select
from localfair.record.nouns import Question
from localfair.record.tables import ANSWERS, EXPLANATIONS, VERDICTS
from localfair.stages.rows import OwnAnswer, Written, own_answers, with_texts
from localfair.stages.step import Work, of_stage


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the select step reads: explanations, those that may be learned, the verdicts that
    accepted them, and the student's own right answers.
    """

    written: list[Written]
    learnable: frozenset[str]
    verdicts: dict[str, str]  # explanation -> the verdict that accepted it
    own: list[OwnAnswer]

    @property
    def candidates(self) -> int:
        """How many replies lessons may be made from."""
        return len(self.learnable) + len(self.own)


def inputs_of(work: Work, step: Select) -> Inputs:
    """What the steps that are read have left.

    Of an input that was never reviewed all may be learned.
    """
    done = work.rows.earlier(step, ("review", "inquire"))
    reviewed = of_stage(done, "review")
    inquired = of_stage(done, "inquire")
    verdicts = work.rows.of(VERDICTS, reviewed)
    accepted = {verdict.explanation: verdict.id for verdict in verdicts if verdict.accepted}
    judged = [verdict.explanation for verdict in verdicts]
    explanations = work.store.get(EXPLANATIONS, judged)
    learnable = set(accepted)
    for explanation in work.rows.of(EXPLANATIONS, inquired):
        explanations[explanation.id] = explanation
        learnable.add(explanation.id)
    in_order = [explanations[explanation_id] for explanation_id in sorted(explanations)]
    written = with_texts(work.store, in_order)
    own: list[OwnAnswer] = []
    if step.per_question.own:
        answers = work.rows.of(ANSWERS, work.rows.students_exams(step))
        own = own_answers(work.store, answers)
    return Inputs(written, frozenset(learnable), accepted, own)


def questions_of(work: Work, step: Select, inputs: Inputs) -> list[Question]:
    """Those with a candidate for a lesson and, where gold answers or gold rationales are lessons
    too, every train question.
    """
    if step.per_question.gold:
        return _solved(work.questions("train"), step)
    if step.per_question.answer:
        return work.questions("train")
    ids = [each.question for each in inputs.written if each.id in inputs.learnable]
    ids += [each.question for each in inputs.own]
    return sorted(work.store.questions_by_id(ids).values(), key=lambda question: question.id)


def _solved(questions: list[Question], step: Select) -> list[Question]:
    """The questions. Raises TaskError when the data set solves none of them."""
    if not any(question.rationale for question in questions):
        raise TaskError(
            f"task {questions[0].task!r} has no gold rationales for {step.id} to take",
            f"take a task that has them, or --set {step.id}.per_question.gold=0",
        )
    return questions
