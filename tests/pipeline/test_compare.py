"""Recipes and their variants compared: an equal budget, the same questions, paired, and never paid for twice."""

import json

import pytest

from localfair.errors import RecipeError, UsageError
from localfair.pipeline.budget import fitting, next_limit
from localfair.pipeline.compare import Variant, ask, compare, variant
from localfair.pipeline.orders import RunOptions
from tests.lab import Lab, teacher

QUICK = ("before.sampling.max_tokens=4", "after.sampling.max_tokens=4", "train.epochs=1", "train.adapter.rank=4",
         "train.max_length=500", "train.accumulation=1", "train.batch=16")  # fmt: skip
FAIR = "fair --set exam.sampling.max_tokens=4"
BUDGET = 3000
NO_REVIEW = f"{FAIR} --set review.enabled=false"


def asked(lab, *variants, seeds=(0,), **options):
    budget = {name: options.pop(name) for name in ("budget_tokens", "lessons") if name in options}
    return ask(variants, seeds, options_of(lab, settings=QUICK, **options), **budget)


def options_of(lab, **options):
    usual = {
        "task": "table",
        "data": lab.data,
        "student": lab.student,
        "teachers": lab.teachers,
        "workspace": lab.folder,
        "db": lab.db,
    }
    return RunOptions(**usual | options)


def run(lab, *variants, **options):
    return compare(asked(lab, *variants, **options), say=lab.lines.append, progress=lambda *_: None)


def many(lab, count):
    """A task of `count` train questions and 6 of test."""
    rows = [{"question": f"What is the code of item {n}?", "answer": str(n), "split": "test" if n < 106 else "train"}
            for n in range(100, 106 + count)]  # fmt: skip
    rows.append({"question": "What is the code of item 99?", "answer": "99", "split": "dev"})
    lab.data.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


@pytest.fixture(scope="module")
def twice(tmp_path_factory, tiny_student):
    """Four variants of one budget on 16 train questions, compared, and compared again."""
    lab = Lab(tmp_path_factory.mktemp("compared"), tiny_student)
    many(lab, 16)
    variants = (FAIR, NO_REVIEW, "single-teacher", "answers-only")
    first, second = (run(lab, *variants, budget_tokens=BUDGET, train_limit=16) for _ in range(2))
    return lab, first, second


def by_name(found):
    return {row["variant"]: row for row in found["rows"]}


def test_every_variant_sits_the_same_test_and_is_paired_with_the_first(twice):
    _, found, _ = twice
    assert [row["variant"] for row in found["rows"]] == [
        FAIR,
        NO_REVIEW,
        "single-teacher",
        "answers-only",
    ]
    first, *others = found["rows"]
    assert first["against_first"] is None and all(
        row["against_first"]["questions"] == 6 for row in others
    )
    for row in found["rows"]:
        low, high = row["after"]["interval"]
        assert low <= row["after"]["accuracy"] <= high and 0 < row["change"]["p"] <= 1
    assert (
        by_name(found)["answers-only"]["accepted"] is None and by_name(found)[FAIR]["accepted"] > 0
    )


def test_the_second_comparison_asks_nobody_and_is_the_same_row(twice):
    lab, first, second = twice
    assert first["rows"][0]["backend_calls"] > 0 and {
        row["backend_calls"] for row in second["rows"]
    } == {0}
    mine = "SELECT SUM(s.calls + s.loads) AS n FROM run_steps s JOIN runs r ON r.id = s.run WHERE r.rowid > ?"
    last_of_first = lab.rows("SELECT rowid FROM runs WHERE id = ?", first["rows"][-1]["run"])[0][
        "rowid"
    ]
    assert lab.rows(mine, last_of_first)[0]["n"] == 0
    assert first["id"] == second["id"] and len(lab.rows("SELECT id FROM comparisons")) == 1
    stored = json.loads(lab.rows("SELECT found FROM comparisons")[0]["found"])
    assert stored["rows"][0]["after"]["right"] == second["rows"][0]["after"]["right"]


def test_a_budget_is_kept_by_every_variant_and_used_as_far_as_whole_questions_allow(twice):
    _, found, _ = twice
    by = by_name(found)
    assert (
        by[FAIR]["train_questions"]
        < by[NO_REVIEW]["train_questions"]
        < by["single-teacher"]["train_questions"]
    )
    for name in (FAIR, NO_REVIEW):
        each = by[name]["teacher_tokens"] / by[name]["train_questions"]
        assert BUDGET - 2 * each < by[name]["teacher_tokens"] <= BUDGET
    assert (
        by["single-teacher"]["train_questions"] == 16
    )  # all there are: the budget is more than they cost
    assert by["answers-only"]["train_questions"] == 16  # as many as whoever took most
    assert by["answers-only"]["teacher_tokens"] == 0


def test_every_student_sits_the_test_once(twice):
    lab, _, _ = twice
    sat = lab.rows(
        "SELECT a.question, g.adapter, g.messages, COUNT(DISTINCT g.id) AS n FROM answers a JOIN generations g "
        "ON g.id = a.generation WHERE a.split = 'test' GROUP BY 1, 2, 3"
    )
    assert {row["n"] for row in sat} == {1} and len({row["adapter"] for row in sat}) == 5
    assert (
        len(
            lab.rows(
                "SELECT DISTINCT g.engine FROM answers a JOIN generations g ON g.id = a.generation"
            )
        )
        == 1
    )


def test_lessons_can_be_equal_instead(lab):
    many(lab, 9)
    found = run(lab, "single-teacher", "answers-only", lessons=6)
    assert [row["lessons"] for row in found["rows"]] == [6, 6]
    dropped = lab.rows("SELECT DISTINCT dropped FROM lessons WHERE dropped LIKE 'beyond%'")
    assert [row["dropped"] for row in dropped] == ["beyond the 6 lessons wanted"]


def test_over_seeds_there_is_a_mean_a_spread_and_one_paired_interval(lab):
    found = run(lab, "single-teacher", "answers-only", seeds=(0, 1))
    assert [(row["variant"], row["seed"]) for row in found["rows"]] == [
        ("single-teacher", 0), ("single-teacher", 1), ("answers-only", 0), ("answers-only", 1)]  # fmt: skip
    first, second = found["summary"]
    assert first["seeds"] == 2 and first["lowest"] <= first["after"] <= first["highest"]
    assert first["deviation"] is not None and first["against_first"] is None
    low, high = second["against_first"]["interval"]
    assert (
        low <= second["against_first"]["difference"] <= high
        and len(second["against_first"]["p"]) == 2
    )
    from localfair.cli.compare import lines

    assert any("over seeds" in line for line in lines(found))


def test_a_budget_too_small_for_one_question_is_refused(lab):
    with pytest.raises(UsageError, match="does not pay for one question"):
        run(lab, "single-teacher", budget_tokens=1)


def test_an_expensive_question_ends_what_a_budget_pays_for():
    assert (
        fitting([5, 0, 5, 100, 1], 10) == 3 and fitting([5, 5], 10) == 2 and fitting([11], 10) == 0
    )


@pytest.mark.parametrize(("found", "next_one"), [(0, 16), (10, 16), (90, 9), (80, 10), (99, 9)])
def test_a_run_grows_as_the_questions_before_let_expect(found, next_one):
    assert next_limit(8, found, 100, 1000) == next_one
    assert next_limit(8, found, 100, 9) == 9


def test_a_variant_is_a_recipe_and_its_settings():
    parsed = variant("fair --set review.of='[\"rationale\"]' --set=rounds=2")
    assert parsed == Variant("fair", ('review.of=["rationale"]', "rounds=2"))
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


def test_a_common_setting_is_for_every_recipe_that_has_its_step_and_one_that_fits_nobody_is_refused(
    lab,
):
    settings = ("review.accept.mean_above=4", "train.epochs=1")
    made = ask(("fair", "answers-only"), (0,), options_of(lab, settings=settings))
    steps = {
        name: {s.id: s for _, s in orders[0].recipe.steps()} for name, orders in made.orders.items()
    }
    assert steps["fair"]["review"].accept.mean_above == 4
    assert {of["train"].epochs for of in steps.values()} == {1}
    with pytest.raises(RecipeError, match="no step 'revue'"):
        ask(("fair", "answers-only"), (0,), options_of(lab, settings=("revue.mode=none",)))


def test_the_command_prints_a_table_and_the_same_as_json(lab, capsys):
    from localfair.cli import main
    from localfair.cli.compare import lines

    harsh = teacher(lab.folder, "harsh", answer="0")  # nothing it writes is right by luck alone
    args = ["--task", "table", "--data", str(lab.data), "--student", lab.student, "--db", str(lab.db),
            "--teacher", harsh, *(word for s in QUICK for word in ("--set", s)), "single-teacher"]  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--json", *args])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    text = "\n".join(lines(found))
    assert "single-teacher" in text and "against the first" in text and found["id"] in text
    with pytest.raises(SystemExit) as ended:
        main(["compare", *args, "--seeds", "one"])
    assert ended.value.code == 2
