"""The exams of runs: how many answers were right, and each answer with its question.

Reads the links of runs and the answers behind them; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localfair.record.store import CHUNK, Store, marks

SCORES = """
SELECT l.run, l.position, a.split, COUNT(*) AS answers, SUM(a.grade = 'right') AS right
FROM links l JOIN answers a ON a.id = l."row"
JOIN run_steps s ON s.run = l.run AND s.position = l.position AND s.stage = 'exam'
JOIN runs r ON r.id = l.run
WHERE l.noun = 'answer' AND (a.split = 'test' OR a.split = 'dev' AND (
  s.round = 0 OR json_valid(r.effective) AND s.round > json_extract(r.effective, '$.rounds'))) {only}
GROUP BY l.run, l.position, a.split ORDER BY l.run, l.position
"""
ANSWERS = """
SELECT s.step, s.round, a.split, q.id AS question, q.key, q.gold, a.id AS answer, a.grade, a.read,
       t.role, t.model, t.adapter, a.generation, g.text
FROM links l JOIN answers a ON a.id = l."row" JOIN questions q ON q.id = a.question
JOIN seats t ON t.id = a.seat JOIN generations g ON g.id = a.generation
JOIN run_steps s ON s.run = l.run AND s.position = l.position
WHERE l.run = ? AND l.noun = 'answer' AND s.stage = 'exam' ORDER BY l.position, q.id, a.id
"""
READ = """
SELECT a.question, a.read FROM links l JOIN answers a ON a.id = l."row"
WHERE l.run = ? AND l.position = ? AND l.noun = 'answer' AND a.question IN ({marks})
ORDER BY l."row"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamScore:
    """One exam of a run that its students are compared by: at which step, on which split, and how
    many of its answers were right.
    """

    run: str
    position: int
    split: str
    answers: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamAnswer:
    """An answer of an exam with its question and who gave it.

    question, answer, adapter, generation: ids. read: what was read out of `text`, or None.
    """

    step: str
    round: int
    split: str
    question: str
    key: str
    gold: str
    answer: str
    grade: str
    read: str | None
    role: str
    model: str
    adapter: str
    generation: str
    text: str


def exam_scores(store: Store, run: str | None = None) -> dict[str, list[ExamScore]]:
    """By run, the exams that its students are compared by, in order; of all runs, or of one.

    Those on test. Of a run that sat none on test, those on dev before and after its rounds: what
    is asked on dev within them chooses, and compares nothing.
    """
    only = "" if run is None else "AND l.run = ?"
    values = () if run is None else (run,)
    scores: dict[str, list[ExamScore]] = {}
    for row in store.rows(SCORES.format(only=only), *values):
        scores.setdefault(row["run"], []).append(ExamScore(**row))
    return {run: _of_one_split(exams) for run, exams in scores.items()}


def _of_one_split(exams: list[ExamScore]) -> list[ExamScore]:
    """The exams on test, or where there is none all of them."""
    return [exam for exam in exams if exam.split == "test"] or exams


def exam_answers(store: Store, run: str) -> Iterator[ExamAnswer]:
    """Every answer of a run's exams, step by step."""
    for row in store.db.execute(ANSWERS, [run]):
        yield ExamAnswer(**dict(row))


def read_in(
    store: Store, run: str, position: int, questions: Sequence[str]
) -> dict[str, str | None]:
    """What was read out of the answers to these questions in one exam of a run."""
    read: dict[str, str | None] = {}
    for start in range(0, len(questions), CHUNK):
        chunk = questions[start : start + CHUNK]
        sql = READ.format(marks=marks(chunk))
        for row in store.rows(sql, run, position, *chunk):
            read[row["question"]] = row["read"]
    return read
