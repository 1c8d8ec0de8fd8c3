"""The history of one thing as a tree: a question, what was answered, explained, reviewed, judged,
taught and trained.

Reads the record; writes nothing. Knows nothing of how a tree is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from localfair.record.history import (
    AdapterHistory,
    History,
    LearnedBy,
    MadeIn,
    Said,
    adapter_history,
    history_of,
    question_of,
    resting_on,
    said_in,
)
from localfair.record.made import Adapter, Explanation, Lesson, Review, Verdict
from localfair.record.nouns import Grade
from localfair.record.resolving import Named
from localfair.record.store import Store
from localfair.report.findings import seat_name

# what belongs to an explanation, whichever lesson was made of it
OF_EXPLANATION = ("review", "verdict")
SHORT_ID = 11  # b2: and eight digits


@dataclass(frozen=True, slots=True)
class Node:
    """One row: what it is in a line, what was said in it, and what came of it.

    `title` holds our words and names of models; `text` is what somebody wrote, "" for nothing.
    """

    noun: str
    id: str
    title: str
    text: str = ""
    children: tuple[Node, ...] = ()

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def tree_of(store: Store, named: Named) -> Node:
    """The history of a row: of a question all of it, of another row what led to it and came of it."""
    if named.noun == "adapter":
        return _adapter_tree(adapter_history(store, named.id))
    question = question_of(store, named)
    if question is None:
        return _generation(named.id, said_in(store, named.id))
    tree = Tree(history_of(store, question)).root()
    if named.noun == "question":
        return tree
    if named.noun == "generation":
        ids = {each.id for each in resting_on(store, named.id)}
        asked = _generation(named.id, said_in(store, named.id))
        pruned = _pruned(tree, ids)
        return Node(pruned.noun, pruned.id, pruned.title, pruned.text, (*pruned.children, asked))
    return _pruned(tree, {named.id})


def _pruned(node: Node, ids: set[str]) -> Node:
    """A tree without the branches that lead to none of these rows."""
    return _kept(node, ids) or node


def _kept(node: Node, ids: set[str]) -> Node | None:
    if node.id in ids:
        return node
    kept = [(child, _kept(child, ids)) for child in node.children]
    if not any(after for _, after in kept):
        return None
    children = []
    for child, after in kept:
        if after is not None:
            children.append(after)
        elif node.noun == "explanation" and child.noun in OF_EXPLANATION:
            children.append(child)
    return Node(node.noun, node.id, node.title, node.text, tuple(children))


@dataclass(slots=True)
class Tree:
    """The rows of a question's history, each under what it came from."""

    history: History
    _hung: set[str] = field(default_factory=set)

    def root(self) -> Node:
        """The question with everything that came of it."""
        question = self.history.question
        children = [self._answer(answer) for answer in self.history.answers]
        for explanation_id, explanation in self.history.explanations.items():
            if explanation.answer not in self.history.answers:
                children.append(self._explanation(explanation_id, explanation))
        children += self._lessons_from("question", question.id)
        choices = f"; choices {' | '.join(question.choices)}" if question.choices else ""
        return Node(
            "question",
            question.id,
            f"question {question.key} of {question.task}, {question.split}; "
            f"answer {question.gold}{choices}",
            question.text,
            tuple(children),
        )

    def _answer(self, answer_id: str) -> Node:
        answer = self.history.answers[answer_id]
        seat = self.history.seats[answer.seat]
        is_mistake = (
            seat.role == "student" and answer.split == "train" and answer.grade != Grade.RIGHT
        )
        name = "mistake" if is_mistake else "answer"
        adapter = f" with adapter {short(seat.adapter)}" if seat.adapter else ""
        title = (
            f"{name} of {seat_name(seat)}{adapter}: {_grade(answer.grade, answer.read)}"
            f"{self._where('answer', answer_id)}"
        )
        children = []
        for explanation_id, explanation in self.history.explanations.items():
            if explanation.answer == answer_id:
                children.append(self._explanation(explanation_id, explanation))
        children += self._lessons_from("answer", answer_id)
        return Node("answer", answer_id, title, self._text(answer.generation), tuple(children))

    def _explanation(self, explanation_id: str, explanation: Explanation) -> Node:
        author = seat_name(self.history.seats[explanation.seat])
        check = ""
        if explanation.grade is not None:
            check = f": {_grade(explanation.grade, explanation.read)}"
        where = self._where("explanation", explanation_id)
        children = []
        for review_id, review in self.history.reviews.items():
            if review.explanation == explanation_id:
                children.append(self._review(review_id, review))
        for verdict_id, verdict in self.history.verdicts.items():
            if verdict.explanation == explanation_id:
                children.append(self._verdict(verdict_id, verdict))
        children += self._lessons_from("explanation", explanation_id)
        return Node(
            "explanation",
            explanation_id,
            f"{explanation.kind} by {author}{check}{where}",
            self._text(explanation.generation),
            tuple(children),
        )

    def _review(self, review_id: str, review: Review) -> Node:
        score = "no score" if review.score is None else f"{review.score:.3g} of 5"
        same = ", on the author's own weights" if review.same_weights else ""
        reviewer = seat_name(self.history.seats[review.seat])
        where = self._where("review", review_id)
        title = f"review by {reviewer}: {score}{same}{where}"
        return Node("review", review_id, title, self._text(review.generation))

    def _verdict(self, verdict_id: str, verdict: Verdict) -> Node:
        state = "accepted" if verdict.accepted else "rejected"
        reviews = f", from {len(verdict.reviews)} reviews" if verdict.reviews else ""
        where = self._where("verdict", verdict_id)
        title = f"{state}: {verdict.reason}{reviews}{where}"
        return Node("verdict", verdict_id, title, f"policy {verdict.policy}")

    def _lessons_from(self, noun: str, row: str) -> Iterator[Node]:
        """The lessons that came from a row and from nothing that came of it, each once."""
        for lesson_id, lesson in self.history.lessons.items():
            sources = self.history.sources.get(lesson_id, [])
            if lesson_id in self._hung or not (Named(noun, row) in sources or noun == "question"):
                continue
            self._hung.add(lesson_id)
            yield self._lesson(lesson_id, lesson)

    def _lesson(self, lesson_id: str, lesson: Lesson) -> Node:
        dropped = f", dropped: {lesson.dropped}" if lesson.dropped else ""
        where = self._where("lesson", lesson_id)
        title = f"lesson of kind {lesson.kind}, weight {lesson.weight:g}{dropped}{where}"
        learned = [_learned(by) for by in self.history.learned_by.get(lesson_id, [])]
        return Node("lesson", lesson_id, title, lesson.completion, tuple(learned))

    def _text(self, generation: str) -> str:
        """What was said; for a score, which says nothing, its log-probabilities."""
        reply = self.history.replies[generation]
        if reply.action == "score":
            numbers = ", ".join(f"{number:.2f}" for number in reply.logprobs)
            return f"log-probabilities {numbers}"
        return reply.text

    def _where(self, noun: str, row: str) -> str:
        made = self.history.made_in.get((noun, row))
        return f" ({_step(made)})" if made else ""


def short(row_id: str) -> str:
    """The beginning of an id, long enough to name the row by it: `b2:3f2a91c0`."""
    return row_id[:SHORT_ID]


def _step(made: MadeIn) -> str:
    """Which step of which run; later steps that took the row again are counted."""
    again = f", and {made.times - 1} more" if made.times > 1 else ""
    return f"{made.step} of run {made.run}{again}"


def _grade(grade: Grade, read: str | None) -> str:
    return grade.value if read is None else f"{grade.value}, read {read!r}"


def _learned(by: LearnedBy) -> Node:
    dropped = f"not learned: {by.dropped}; " if by.dropped else ""
    return Node("adapter", by.adapter.id, f"{dropped}{_adapter(by.adapter)}")


def _adapter(adapter: Adapter) -> str:
    return (
        f"adapter of the {adapter.role}, {adapter.steps} steps in {adapter.seconds:.0f} s, "
        f"{adapter.tokens} tokens"
    )


def _adapter_tree(history: AdapterHistory) -> Node:
    """An adapter over the lessons that it learned, some of them."""
    adapter = history.adapter
    made = f" ({_step(history.made_in)})" if history.made_in else ""
    curve = ""
    if history.curve:
        curve = f"; loss {history.curve[0][1]:.3f} to {history.curve[-1][1]:.3f}"
    children = []
    for lesson in history.lessons:
        title = f"lesson of kind {lesson.kind} on question {short(lesson.question)}"
        children.append(Node("lesson", lesson.id, title, lesson.completion))
    rest = history.learned - len(children)
    more = f"; {history.learned} lessons" + (f", {rest} not shown" if rest else "")
    settings = json.dumps(json.loads(adapter.settings), sort_keys=True)
    return Node(
        "adapter",
        adapter.id,
        f"{_adapter(adapter)}{curve}{more}{made}",
        f"base {adapter.base}; settings {settings}",
        tuple(children),
    )


def _generation(generation: str, said: Said) -> Node:
    """What was asked, turn by turn, and what was said."""
    reply = said.reply
    turns = []
    for message in said.prompt:
        turns.append(Node("message", "", message.role, message.content))
    title = (
        f"generation of {said.model} ({said.engine}): {reply.prompt_tokens} tokens read, "
        f"{reply.completion_tokens} written, {reply.seconds:.2f} s, ended by {reply.finish}"
    )
    return Node("generation", generation, title, reply.text, tuple(turns))
