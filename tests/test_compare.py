"""Recipes and their variants compared: an equal budget, the same questions, paired, and never paid for twice."""

import json

import pytest

from localfair.budget import fitting, next_limit
from localfair.compare import ask, compare, variant
from localfair.errors import RecipeError, UsageError
from tests.lab import teacher

QUICK = ("before.sampling.max_tokens=4", "after.sampling.max_tokens=4", "train.epochs=1", "train.adapter.rank=4",
         "train.max_length=500", "train.accumulation=1", "train.batch=16")  # fmt: skip
FAIR = "fair --set exam.sampling.max_tokens=4"
NO_REVIEW = f"{FAIR} --set review.enabled=false"


def asked(lab, *variants, seeds=(0,), **options):
    return ask(
        variants, seeds, settings=QUICK, workspace=lab.folder, db=lab.db,
        **{"task": "table", "data": lab.data, "student": lab.student, "teachers": lab.teachers} | options,
    )  # fmt: skip


def run(lab, *variants, **options):
    return compare(asked(lab, *variants, **options), say=lab.lines.append, progress=lambda *_: None)


def many(lab, count):
    """A task of `count` train questions and 6 of test."""
    rows = [{"question": f"What is the code of item {n}?", "answer": str(n), "split": "test" if n < 106 else "train"}
            for n in range(100, 106 + count)]  # fmt: skip
    rows.append({"question": "What is the code of item 99?", "answer": "99", "split": "dev"})
    lab.data.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def test_every_variant_sits_the_same_test_and_is_paired_with_the_first(lab):
    found = run(lab, FAIR, NO_REVIEW, "single-teacher", "answers-only")
    assert [row["variant"] for row in found["rows"]] == [FAIR, NO_REVIEW, "single-teacher", "answers-only"]
    first, *others = found["rows"]
    assert first["against_first"] is None and all(row["against_first"]["questions"] == 4 for row in others)
    for row in found["rows"]:
        low, high = row["after"]["interval"]
        assert low <= row["after"]["accuracy"] <= high and 0 < row["change"]["p"] <= 1
    by = {row["variant"]: row for row in found["rows"]}
    assert by[FAIR]["teacher_tokens"] > by[NO_REVIEW]["teacher_tokens"] > by["single-teacher"]["teacher_tokens"]
    assert by["answers-only"]["teacher_tokens"] == 0 and by["answers-only"]["accepted"] is None


def test_the_second_comparison_asks_nobody_and_is_the_same_row(lab):
    first, second = (run(lab, FAIR, NO_REVIEW, budget_tokens=3000) for _ in range(2))
    assert first["rows"][0]["backend_calls"] > 0
    assert [row["backend_calls"] for row in second["rows"]] == [0, 0]
    assert first["id"] == second["id"] and len(lab.rows("SELECT id FROM comparisons")) == 1
    stored = json.loads(lab.rows("SELECT found FROM comparisons")[0]["found"])
    assert stored["rows"][0]["after"]["right"] == second["rows"][0]["after"]["right"]


def test_a_budget_is_kept_by_every_variant_and_used_as_far_as_whole_questions_allow(lab):
    many(lab, 16)
    found = run(lab, FAIR, NO_REVIEW, "single-teacher", "answers-only", budget_tokens=3000, limit=16)
    by = {row["variant"]: row for row in found["rows"]}
    assert by[FAIR]["train_questions"] < by[NO_REVIEW]["train_questions"] < by["single-teacher"]["train_questions"]
    for name in (FAIR, NO_REVIEW):
        each = by[name]["teacher_tokens"] / by[name]["train_questions"]
        assert 3000 - 2 * each < by[name]["teacher_tokens"] <= 3000
    assert by["single-teacher"]["train_questions"] == 16  # all there are: the budget is more than they cost
    assert by["answers-only"]["train_questions"] == 16  # as many as whoever took most


def test_lessons_can_be_equal_instead(lab):
    many(lab, 12)
    found = run(lab, FAIR, "answers-only", lessons=8)
    assert [row["lessons"] for row in found["rows"]] == [8, 8]
    dropped = lab.rows("SELECT DISTINCT dropped FROM lessons WHERE dropped LIKE 'beyond%'")
    assert [row["dropped"] for row in dropped] == ["beyond the 8 lessons wanted"]


def test_over_seeds_there_is_a_mean_a_spread_and_one_paired_interval(lab):
    found = run(lab, "single-teacher", "answers-only", seeds=(0, 1))
    assert [(row["variant"], row["seed"]) for row in found["rows"]] == [
        ("single-teacher", 0), ("single-teacher", 1), ("answers-only", 0), ("answers-only", 1)]  # fmt: skip
    first, second = found["summary"]
    assert first["seeds"] == 2 and first["lowest"] <= first["after"] <= first["highest"]
    assert first["deviation"] is not None and first["against_first"] is None
    low, high = second["against_first"]["interval"]
    assert low <= second["against_first"]["difference"] <= high and len(second["against_first"]["p"]) == 2


def test_a_budget_too_small_for_one_question_is_refused(lab):
    with pytest.raises(UsageError, match="does not pay for one question"):
        run(lab, "single-teacher", budget_tokens=1)


def test_an_expensive_question_ends_what_a_budget_pays_for():
    assert fitting([5, 0, 5, 100, 1], 10) == 3 and fitting([5, 5], 10) == 2 and fitting([11], 10) == 0


@pytest.mark.parametrize(("found", "next_one"), [(0, 16), (10, 16), (90, 9), (80, 10), (99, 9)])
def test_a_run_grows_as_the_questions_before_let_expect(found, next_one):
    assert next_limit(8, found, 100, 1000) == next_one
    assert next_limit(8, found, 100, 9) == 9


def test_a_variant_is_a_recipe_and_its_settings():
    assert variant("fair --set review.of='[\"rationale\"]' --set=rounds=2") == (
        "fair", ('review.of=["rationale"]', "rounds=2"))  # fmt: skip
    for wrong in ("fair --seed 3", "fair --set", "fair 'x"):
        with pytest.raises(UsageError):
            variant(wrong)


@pytest.mark.parametrize(
    ("variants", "options", "says"),
    [
        (("fair", "fair"), {}, "named twice"),
        (("fair",), {"budget_tokens": 5, "lessons": 5}, "cannot both be equal"),
        (("fair", "fair --set after.enabled=false"), {}, "does not examine"),
        (("fair", "fair --set before.samples=2"), {}, "does not examine"),
        (("fair", "nosuch"), {}, "unknown recipe"),
        (("fair --set review.acept=1",), {}, "recipe 'fair' has 1 problem"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anybody_is_asked(lab, variants, options, says):
    with pytest.raises((UsageError, RecipeError), match=says):
        asked(lab, *variants, **options)
    assert not lab.db.exists()


def test_a_harsh_committee_is_compared_all_the_same(lab):
    harsh = tuple(teacher(lab.folder, f"harsh{i}", score=1) for i in range(3))
    found = run(lab, FAIR, teachers=harsh)
    assert found["rows"][0]["accepted"] == 0 and found["rows"][0]["adapter"] is None
    assert found["rows"][0]["change"]["difference"] == 0


def test_the_command_prints_a_table_and_the_same_as_json(lab, capsys):
    from localfair.cli import main

    args = ["compare", "--task", "table", "--data", str(lab.data), "--student", lab.student, "--db", str(lab.db),
            "--teacher", lab.teachers[0], *(word for s in QUICK for word in ("--set", s)),
            "single-teacher", "answers-only"]  # fmt: skip
    texts = []
    for more in ([], ["--json"], ["--seeds", "0,1"]):
        with pytest.raises(SystemExit) as ended:
            main([*args[:1], *more, *args[1:]])
        assert ended.value.code == 0
        texts.append(capsys.readouterr().out)
    assert "single-teacher" in texts[0] and "against the first" in texts[0]
    assert json.loads(texts[1])["rows"][0]["backend_calls"] == 0
    assert "over seeds" in texts[2]
    with pytest.raises(SystemExit) as ended:
        main([*args, "--seeds", "one"])
    assert ended.value.code == 2
