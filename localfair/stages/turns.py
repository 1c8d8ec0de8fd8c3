"""Authors asked one after another, each only about what no earlier one answered right.

Who comes first is measured once: every author is asked about the first questions in task order, and
those with more right answers per token that they read and wrote go first (ours); an answer without
a step counts for nothing. That order, who solved which question and the number of questions are a
row of the record: they are not measured again when a run takes more questions, nor in a later round
or step that asks the same teachers. Who is asked about which of the other questions says `routing`.

Reads and writes `turns`; asks through `authors`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from localfair.committee.seating import Member
from localfair.recipe.schema import Exam, Inquire, RecipeStep
from localfair.record.made import Turn, Turns
from localfair.record.nouns import content_id
from localfair.record.tables import TURNS
from localfair.stages.authors import Authors, Tally
from localfair.stages.routing import Router
from localfair.stages.step import Work, of_stage
from localfair.stages.subjects import Subject, Subjects


@dataclass(frozen=True, slots=True)
class Ordering:
    """Who is asked after whom in one step.

    asked: the ids of the questions that everybody was asked about for it. is_known: no reply that
    it rests on is missing.
    """

    turns: Turns
    asked: frozenset[str]
    is_known: bool


def ask_in_turn(work: Work, step: Inquire, authors: Authors, subjects: Subjects) -> dict[str, Any]:
    """Ask everybody about the first questions, then one after another about the rest.

    The outcome names the order, on how many questions it rests, and about how many questions nobody
    was asked. It is empty while a reply is missing that the order rests on: it is measured again
    then, and is not yet in the record.
    """
    members = work.committee.of(step.role)
    order = _of_earlier_step(work, members) or _measured(work, step, authors, subjects)
    if order.is_known:
        work.rows.made(TURNS, work.store.add(TURNS, [order.turns]))
    measured = work.questions("train")[: order.turns.questions]
    router = Router(order.turns, measured, step.nearest)
    left = [each for each in subjects.unsolved() if each.question.id not in order.asked]
    seats = {each.question.id: router.seats(each.question) for each in left}
    in_order = _in_order(members, order.turns)
    for place in range(len(members)):
        for member in in_order:
            about = _at(place, member.seat.id, left, seats, authors.explained)
            authors.ask([member], about)
    if not order.is_known:
        return {}
    names = [member.seat.model for member in in_order]
    outcome: dict[str, Any] = {"order": ", ".join(names), "ordered_on": order.turns.questions}
    if step.nearest:
        outcome["unasked"] = sum(not asked for asked in seats.values())
    return outcome


def _at(
    place: int,
    seat: str,
    subjects: Iterable[Subject],
    seats: Mapping[str, Sequence[str]],
    explained: Container[str],
) -> list[Subject]:
    """What a seat is asked about in a place: subjects for which it stands there among the `seats` of
    their question, and which no earlier one explained.
    """
    about: list[Subject] = []
    for subject in subjects:
        question = subject.question.id
        if question not in explained and seats[question][place : place + 1] == [seat]:
            about.append(subject)
    return about


def _of_earlier_step(work: Work, members: Iterable[Member]) -> Ordering | None:
    """The order that an earlier step of the run took these teachers in, or the same step in an
    earlier round.
    """
    seats = {member.seat.id for member in members}
    for taken in work.rows.of(TURNS, of_stage(work.rows.done, "inquire")):
        if {turn.seat for turn in taken.teachers} == seats:
            return Ordering(taken, frozenset(), is_known=True)
    return None


def _measured(work: Work, step: Inquire, authors: Authors, subjects: Subjects) -> Ordering:
    """The order that the record has for this step, else by what authors answer to the first
    questions.

    They are asked about these either way: a run that takes more questions finds them recorded.
    """
    members = work.committee.of(step.role)
    inputs = _inputs(work, step, members)
    turns_id = Turns.id_of(inputs)
    recorded = work.store.get(TURNS, [turns_id]).get(turns_id)
    number = recorded.questions if recorded else step.order_on
    first = frozenset(question.id for question in work.questions("train")[:number])
    about = [subject for subject in subjects.all if subject.question.id in first]
    tallies = authors.ask(members, about)
    if recorded:
        return Ordering(recorded, first, is_known=True)
    turns = Turns(
        inputs=inputs,
        task=work.task.name,
        questions=len(first),
        teachers=_by_rate(members, tallies),
    )
    # of questions without an answer in the exam nobody was asked yet
    all_asked = step.about == "mistakes" or len({each.question.id for each in about}) == len(first)
    replied = all(tally.requests == tally.replies for tally in tallies.values())
    nothing_failed = work.committee.failures.missing == 0
    is_known = bool(tallies) and all_asked and replied and nothing_failed
    return Ordering(turns, first, is_known)


def _by_rate(members: Iterable[Member], tallies: Mapping[str, Tally]) -> tuple[Turn, ...]:
    """Who has more right answers per token goes first; of equal ones the lower seat."""
    turns: list[Turn] = []
    for member in members:
        tally = tallies.get(member.seat.id, Tally())
        solved = tuple(sorted(tally.solved))
        turns.append(Turn(member.seat.id, tally.right, tally.tokens, solved))
    return tuple(sorted(turns, key=lambda turn: turn.rate, reverse=True))


def _in_order(members: Iterable[Member], turns: Turns) -> list[Member]:
    seats = [turn.seat for turn in turns.teachers]
    return sorted(members, key=lambda member: seats.index(member.seat.id))


def _inputs(work: Work, step: Inquire, members: Iterable[Member]) -> str:
    """The hash of all that decides what authors are asked for their order, but for how many
    questions the run takes, and for adapters, which are trained on those.
    """
    students = [member for member in work.committee.members if member.seat.role == "student"]
    engines = []
    for member in [*members, *students]:
        engines.append(asdict(member.identity) | {"adapter": "", "seat": member.seat.index})
    earlier = [done.step for done in work.rows.done if _is_asked_on_train(done.step)]
    return content_id(
        "turns-inputs",
        tokens="read and written",
        task=work.task.name,
        seed=work.seed,
        step=step.model_dump(mode="json"),
        earlier=[each.model_dump(mode="json") for each in earlier],
        engines=engines,
        prompts=work.wording.prompts.texts(),
    )


def _is_asked_on_train(step: RecipeStep) -> bool:
    is_exam = isinstance(step, Exam) and step.split == "train"
    return is_exam or isinstance(step, Inquire)
