"""A select step takes what the last round brought, or all rounds."""

from __future__ import annotations

from tests.lab import FAST, teacher

SETTINGS = (*FAST, "rounds=2", "train.epochs=1")
ALL = ("select.per_question.rationale=all", "select.per_question.feedback=all")
LESSONS = """
SELECT s.round, o.question, o.prompt, o.completion FROM links l
JOIN run_steps s ON s.run = l.run AND s.position = l.position
JOIN lessons o ON o.id = l."row"
WHERE s.step = 'select' AND l.noun = 'lesson' AND o.dropped IS NULL
"""


def lessons_by_round(lab, *settings):
    """What each round's select step kept: question, prompt and completion."""
    # a teacher for each round: the second is asked about what the first left wrong
    lab.run(settings=(*SETTINGS, *settings), teachers=(teacher(lab.folder, "one"),) * 2)
    rounds = {1: set(), 2: set()}
    for row in lab.rows(LESSONS):
        rounds[row["round"]].add((row["question"], row["prompt"], row["completion"]))
    return rounds


def test_all_rounds_lessons_are_learned_together_each_once(lab):
    rounds = lessons_by_round(lab, "select.rounds=all", *ALL)
    assert rounds[1]
    assert rounds[1] <= rounds[2]
    rows = lab.rows(LESSONS)
    of_second = [row for row in rows if row["round"] == 2]
    assert len(of_second) == len(rounds[2])


def test_the_last_rounds_alone_where_nothing_else_is_said(lab):
    rounds = lessons_by_round(lab)
    questions = {question for question, _, _ in rounds[2]}
    asked = lab.column(
        "SELECT DISTINCT e.question FROM links l JOIN run_steps s"
        " ON s.run = l.run AND s.position = l.position"
        ' JOIN explanations e ON e.id = l."row"'
        " WHERE s.step = 'inquire' AND s.round = 2 AND l.noun = 'explanation'"
    )
    assert questions <= set(asked)
