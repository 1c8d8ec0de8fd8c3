"""The history of one thing: a question's is everything, another row's what led to it and came of it."""

import pytest

from localfair.record.resolving import Named
from localfair.record.store import Store
from localfair.report.tree import tree_of

PATH = ("question", "answer", "explanation", "lesson", "adapter")


def tree(lab, noun, row):
    with Store.open(lab.db) as store:
        return tree_of(store, Named(noun, row))


def nodes(node):
    yield node
    for child in node.children:
        yield from nodes(child)


def nouns(node):
    return {each.noun for each in nodes(node)}


@pytest.fixture
def lesson(finished):
    """A lesson that was learned, with its question."""
    sql = "SELECT id, question FROM lessons WHERE kind = 'feedback' AND dropped IS NULL"
    return finished.rows(f"{sql} ORDER BY id")[0]


def test_a_questions_history_is_every_row_about_it(finished, lesson):
    history = tree(finished, "question", lesson["question"])
    ids = {each.id for each in nodes(history)}
    for table in ("answers", "explanations", "lessons"):
        sql = f"SELECT id FROM {table} WHERE question = ?"
        assert ids >= set(finished.column(sql, lesson["question"]))
    assert nouns(history) == {*PATH, "review", "verdict"}


def test_rows_stand_under_what_they_came_from(finished, lesson):
    node = tree(finished, "lesson", lesson["id"])
    path = []
    while node:
        path.append(node.noun)
        branches = [each for each in node.children if each.noun not in ("review", "verdict")]
        assert len(branches) <= 1
        node = branches[0] if branches else None
    assert tuple(path) == PATH


def test_a_lessons_history_has_the_reviews_and_the_verdict_of_its_explanation_alone(
    finished, lesson
):
    history = list(nodes(tree(finished, "lesson", lesson["id"])))
    [explanation] = finished.column(
        "SELECT row FROM lesson_sources WHERE lesson = ? AND noun = 'explanation'", lesson["id"]
    )
    for table, noun in (("reviews", "review"), ("verdicts", "verdict")):
        expected = finished.column(f"SELECT id FROM {table} WHERE explanation = ?", explanation)
        assert {each.id for each in history if each.noun == noun} == set(expected)


def test_a_mistake_says_what_was_read_and_in_which_step_of_which_run(finished, lesson):
    history = tree(finished, "question", lesson["question"])
    [mistake] = [each for each in history.children if each.noun == "answer"]
    [run] = finished.column("SELECT id FROM runs")
    assert mistake.title.startswith("mistake of student#0 ")
    assert f"(exam of run {run}" in mistake.title
    [text] = finished.column(
        "SELECT g.text FROM answers a JOIN generations g ON g.id = a.generation WHERE a.id = ?",
        mistake.id,
    )
    assert mistake.text == text


def test_an_adapter_names_its_lessons_its_losses_and_its_run(finished):
    [adapter] = finished.column("SELECT id FROM adapters")
    history = tree(finished, "adapter", adapter)
    learned = finished.column("SELECT lesson FROM adapter_lessons WHERE dropped IS NULL")
    assert {each.id for each in history.children} <= set(learned)
    assert f"{len(learned)} lessons" in history.title
    assert "loss " in history.title and "train of run " in history.title


def test_a_generation_shows_its_prompt_beside_what_was_read_out_of_it(finished):
    [row] = finished.rows("SELECT id, generation FROM reviews ORDER BY id LIMIT 1")
    history = tree(finished, "generation", row["generation"])
    assert row["id"] in {each.id for each in nodes(history)}
    asked = history.children[-1]
    assert asked.noun == "generation"
    assert "score in square brackets" in asked.children[-1].text


def test_every_row_of_a_run_has_a_history(finished):
    for noun, table in (
        ("explanation", "explanations"),
        ("review", "reviews"),
        ("verdict", "verdicts"),
    ):
        for row in finished.column(f"SELECT id FROM {table}"):
            assert row in {each.id for each in nodes(tree(finished, noun, row))}
