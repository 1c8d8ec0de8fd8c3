"""Recipes compared: an equal budget, the same questions, paired, and never paid for twice."""

import json
from pathlib import Path

import pytest

from localfair.cli import main
from localfair.cli.compare import lines
from localfair.errors import RecipeError, UsageError
from localfair.pipeline.compare import Equal, Variant, ask, compare, variant
from localfair.pipeline.orders import RunOptions
from localfair.recipe.load import copy_recipe
from localfair.record.exams import exam_scores
from localfair.record.store import Store
from localfair.report.findings import report
from tests.lab import Lab, item, quiet, script, teacher
from tests.scripts import recipe_script

QUICK = (
    "before.sampling.max_tokens=4",
    "after.sampling.max_tokens=4",
    "train.epochs=1",
    "train.adapter.rank=4",
    "train.max_length=500",
    "train.accumulation=1",
    "train.batch=16",
)
FAIR = "fair --set exam.sampling.max_tokens=4"
BUDGET = 3000
# what `compare --json` says of a variant with a seed, and of one over seeds
ROW = {
    "variant",
    "seed",
    "run",
    "train_questions",
    "before",
    "after",
    "change",
    "teacher_tokens",
    "written_tokens",
    "mentor_tokens",
    "teacher_seconds",
    "student_seconds",
    "train_seconds",
    "explanations",
    "lessons",
    "adapter",
    "accepted",
    "calls",
    "backend_calls",
    "against_first",
    "teacher_flops",
    "student_tokens",
    "trained_tokens",
    "steps",
}
SUMMARY = {
    "variant",
    "seeds",
    "before",
    "after",
    "deviation",
    "lowest",
    "highest",
    "unreadable",
    "against_first",
    "teacher_tokens",
    "lessons",
    "train_questions",
    "by_seed",
    "teacher_flops",
    "student_tokens",
    "trained_tokens",
    "steps",
}
NO_REVIEW = f"{FAIR} --set review.enabled=false"


def asked(lab, *variants, seeds=(0,), settings=QUICK, **options):
    amounts = [options.pop(key, None) for key in ("budget_tokens", "budget_flops", "lessons")]
    on = options.pop("on", "test")
    usual = {
        "task": "table",
        "data": lab.data,
        "student": lab.student,
        "teachers": lab.teachers,
        "workspace": lab.folder,
        "db": lab.db,
        "settings": settings,
    }
    return ask(variants, seeds, RunOptions(**usual | options), Equal(*amounts, on))


def run(lab, *variants, **options):
    return compare(asked(lab, *variants, **options), say=lab.lines.append, progress=quiet)


def many(lab, count):
    """A task of `count` train questions and 6 of test."""
    questions = [item(number, "test") for number in range(100, 106)]
    questions += [item(number, "train") for number in range(106, 106 + count)]
    lab.write_questions([*questions, item(99, "dev")])


@pytest.fixture(scope="module")
def twice(tmp_path_factory, tiny_student):
    """Four variants of one budget on 16 train questions, compared, and compared again."""
    lab = Lab(tmp_path_factory.mktemp("compared"), tiny_student)
    many(lab, 16)
    variants = (FAIR, NO_REVIEW, "single-teacher", "answers-only")
    first = run(lab, *variants, budget_tokens=BUDGET, train_limit=16)
    second = run(lab, *variants, budget_tokens=BUDGET, train_limit=16)
    return lab, first, second


def by_name(found):
    return {row.variant: row for row in found.rows}


def test_every_variant_sits_the_same_test_and_is_paired_with_the_first(twice):
    _, found, _ = twice
    variants = [row.variant for row in found.rows]
    assert variants == [FAIR, NO_REVIEW, "single-teacher", "answers-only"]
    first, *others = found.rows
    assert first.against_first is None
    assert [row.against_first.questions for row in others] == [6, 6, 6]
    for row in found.rows:
        low, high = row.after.interval
        assert low <= row.after.accuracy <= high
        assert 0 < row.change.p <= 1
    # of one seed the summary says what the row says: a change of paired questions, never a point
    for row, summary in zip(others, found.summary[1:], strict=True):
        low, high = summary.against_first.interval
        assert (low, high) == row.against_first.interval
        assert high - low > 0.1
    assert any("6 questions: only a change of 100 points" in line for line in lines(found))
    assert by_name(found)["answers-only"].accepted is None
    assert by_name(found)[FAIR].accepted > 0


def test_the_grades_behind_it_are_read_out_of_the_record(twice):
    lab, found, _ = twice
    with Store.open(lab.db) as store:
        columns = recipe_script("grades").columns_of(store, [found.id])
    assert list(columns) == [f"{row.variant}/0" for row in found.rows]
    for row, grades in zip(found.rows, columns.values(), strict=True):
        assert len(grades) == row.after.questions == 6
        assert list(grades.values()).count("right") == row.after.right


def test_what_each_row_cost_is_read_out_of_the_record_once(twice):
    lab, found, _ = twice
    with Store.open(lab.db) as store:
        header, *rows = recipe_script("grades").costs_of(store, [found.id, found.id])
    assert [row[0] for row in rows] == [row.variant for row in found.rows]
    for row, cells in zip(found.rows, rows, strict=True):
        costs = dict(zip(header, cells, strict=True))
        assert costs["seed"] == row.seed
        assert costs["teacher_tokens"] == row.teacher_tokens
        assert costs["lessons"] == row.lessons > 0


def test_the_second_comparison_asks_nobody_and_is_the_same_row(twice):
    lab, first, second = twice
    assert first.rows[0].calls > 0
    assert {row.calls for row in second.rows} == {0}
    last = first.rows[-1].run
    spent = lab.column(
        "SELECT SUM(s.calls + s.loads) FROM run_steps s JOIN runs r ON r.id = s.run "
        "WHERE r.rowid > (SELECT rowid FROM runs WHERE id = ?)",
        last,
    )
    assert spent == [0]
    assert first.id == second.id
    (recorded,) = lab.rows("SELECT found FROM comparisons")
    stored = json.loads(recorded["found"])["rows"]
    assert stored[0]["after"]["right"] == second.rows[0].after.right


def test_a_budget_is_kept_by_every_variant_and_used_as_far_as_whole_questions_allow(twice):
    _, found, _ = twice
    rows = by_name(found)
    questions = {name: row.train_questions for name, row in rows.items()}
    assert questions[FAIR] < questions[NO_REVIEW] < questions["single-teacher"]
    for name in (FAIR, NO_REVIEW):
        spent = rows[name].teacher_tokens
        each = spent / questions[name]
        assert BUDGET - 2 * each < spent <= BUDGET
    assert questions["single-teacher"] == 16  # all there are: the budget is more than they cost
    assert questions["answers-only"] == 16  # as many as whoever took most
    assert rows["answers-only"].teacher_tokens == 0


def test_every_student_sits_the_test_once(twice):
    lab, _, _ = twice
    sat = lab.rows(
        "SELECT a.question, g.adapter, g.messages, COUNT(DISTINCT g.id) AS n FROM answers a "
        "JOIN generations g ON g.id = a.generation WHERE a.split = 'test' GROUP BY 1, 2, 3"
    )
    assert {row["n"] for row in sat} == {1}
    assert len({row["adapter"] for row in sat}) == 5
    engines = lab.rows(
        "SELECT DISTINCT g.engine FROM answers a JOIN generations g ON g.id = a.generation"
    )
    assert len(engines) == 1


def test_lessons_can_be_equal_instead(lab):
    many(lab, 9)
    found = run(lab, "single-teacher", "answers-only", lessons=6)
    assert [row.lessons for row in found.rows] == [6, 6]
    dropped = lab.column("SELECT DISTINCT dropped FROM lessons WHERE dropped LIKE 'beyond%'")
    assert dropped == ["beyond the 6 lessons wanted"]


def test_over_seeds_there_is_a_mean_a_spread_and_one_paired_interval(lab):
    found = run(lab, "single-teacher", "answers-only", seeds=(0, 1))
    assert [(row.variant, row.seed) for row in found.rows] == [
        ("single-teacher", 0),
        ("single-teacher", 1),
        ("answers-only", 0),
        ("answers-only", 1),
    ]
    first, second = found.summary
    assert first.seeds == 2
    assert first.lowest <= first.after <= first.highest
    assert first.deviation is not None
    assert first.against_first is None
    paired = second.against_first
    low, high = paired.interval
    assert low <= paired.difference <= high
    assert len(paired.p) == 2
    assert paired.permutation == paired.holm  # one claim
    assert second.by_seed == {row.seed: row.after.accuracy for row in found.rows[2:]}
    assert any("over seeds" in line for line in lines(found))


def test_a_variant_is_a_recipe_and_its_settings():
    parsed = variant("fair --set review.of='[\"rationale\"]' --set=rounds=2")
    assert parsed == Variant("fair", ('review.of=["rationale"]', "rounds=2"))


@pytest.mark.parametrize("text", ["fair --seed 3", "fair --set", "fair 'x"])
def test_what_is_no_recipe_with_its_settings_is_no_variant(text):
    with pytest.raises(UsageError):
        variant(text)


@pytest.mark.parametrize(
    ("variants", "options", "message"),
    [
        (("fair", "fair"), {}, "named twice"),
        (("fair",), {"budget_tokens": 5, "lessons": 5}, "cannot both be equal"),
        (("fair",), {"budget_tokens": 5, "budget_flops": 5}, "tokens and one of FLOPs"),
        (("fair",), {"budget_flops": 5}, "parameters of .* are not known"),
        (("fair", "format-only"), {"settings": ("train.enabled=false",)}, "no train step"),
        (("fair", "fair --set after.enabled=false"), {}, "does not examine"),
        (("fair", "fair --set before.samples=2"), {}, "does not examine"),
        (("fair", "nosuch"), {}, "unknown recipe"),
        (("fair", "format-only --set teachers=[0]"), {}, "format-only takes no --set"),
        (("fair --set review.acept=1",), {}, "recipe 'fair' has 1 problem"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anybody_is_asked(
    lab, variants, options, message
):
    with pytest.raises((UsageError, RecipeError), match=message):
        asked(lab, *variants, **options)
    assert not lab.db.exists()


def test_a_common_setting_is_for_every_recipe_that_has_its_step(lab):
    settings = ("review.accept.mean_above=4", "train.epochs=1")
    orders = asked(lab, "fair", "answers-only", settings=settings).orders
    steps = {}
    for name, (order,) in orders.items():
        for _, step in order.recipe.steps():
            steps[name, step.id] = step
    assert steps["fair", "review"].accept.mean_above == 4
    assert steps["fair", "train"].epochs == steps["answers-only", "train"].epochs == 1


def test_a_common_setting_that_fits_nobody_is_refused(lab):
    with pytest.raises(RecipeError, match="no step 'revue'"):
        asked(lab, "fair", "answers-only", settings=("revue.mode=none",))


def test_what_decides_a_comparison_is_plain_data(lab):
    both = asked(lab, "fair", "single-teacher", seeds=(0, 1), lessons=4)
    data = both.data()
    assert json.loads(json.dumps(data))["seeds"] == [0, 1]
    assert list(data["variants"]) == ["fair", "single-teacher"]
    assert (data["task"], data["student"], data["lessons"]) == ("table", lab.student, 4)
    assert data["teachers"] == list(lab.teachers)


def test_equal_lessons_cap_the_step_that_the_student_learns_from(lab):
    (order,) = asked(lab, "single-teacher", lessons=6).orders["single-teacher"]
    (select,) = [step for _, step in order.recipe.steps() if step.id == "select"]
    assert select.at_most == 6


def test_each_seed_is_an_order_of_its_own(lab):
    orders = asked(lab, "fair", seeds=(3, 5)).orders["fair"]
    assert [order.seed for order in orders] == [3, 5]


def test_the_command_prints_a_table_and_the_same_as_json(lab, capsys):
    harsh = teacher(lab.folder, "harsh", answer="0")  # nothing it writes is right by luck alone
    line = ["--task", "table", "--data", str(lab.data), "--student", lab.student]
    line += ["--db", str(lab.db), "--teacher", harsh]
    for setting in QUICK:
        line += ["--set", setting]
    line.append("single-teacher")
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--json", *line])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"id", "asked", "rows", "summary"}
    assert found["rows"][0].keys() == ROW
    assert found["summary"][0].keys() == SUMMARY
    with pytest.raises(SystemExit):
        main(["compare", *line])
    text = capsys.readouterr().out
    assert "single-teacher" in text
    assert "against the first" in text
    assert found["id"] in text
    with pytest.raises(SystemExit) as ended:
        main(["compare", *line, "--seeds", "one"])
    assert ended.value.code == 2


# -- the rows that belong into every table -----------------------------------------------------------


def test_the_untrained_student_and_one_that_learned_the_form_alone_are_rows(lab):
    many(lab, 40)
    found = run(lab, "single-teacher", "untrained", "format-only")
    rows = by_name(found)
    untrained = rows["untrained"]
    assert untrained.after == untrained.before == rows["single-teacher"].before
    assert (untrained.teacher_tokens, untrained.steps, untrained.change) == (0, 0, None)
    assert untrained.against_first.questions == 6
    form = rows["format-only"]
    assert (form.steps, form.lessons) == (10, 16)
    assert form.train_questions < 40  # no more are asked for than it learns
    assert found.summary[1].against_first is not None
    again = run(lab, "single-teacher", "untrained", "format-only")
    assert {row.calls for row in again.rows} == {0}
    assert again.id == found.id


def test_a_design_is_chosen_on_dev_and_no_test_question_is_opened(lab):
    lab.write_questions([item(99, "dev"), item(98, "dev"), item(97, "test"), item(96, "train")])
    found = run(lab, "single-teacher", "untrained", on="dev")
    rows = by_name(found)
    assert rows["untrained"].after == rows["single-teacher"].before
    assert rows["single-teacher"].after.questions == 2
    with Store.open(lab.db) as store:
        asked_on = store.first_column("SELECT DISTINCT split FROM answers")
        [last] = exam_scores(store, rows["single-teacher"].run).values()
        shown = report(store, rows["single-teacher"].run)
    assert asked_on == ["dev"]
    assert [exam.split for exam in last] == ["dev", "dev"]
    assert shown.before == rows["single-teacher"].before and shown.change is not None
    assert lines(found)[-1].startswith("on dev; ")
    assert found.asked.data()["on"] == "dev"


def test_an_exam_on_dev_within_the_rounds_chooses_and_compares_nothing(lab):
    asked(lab, "tailored", on="dev", settings=())  # it sits dev once a round, and is no third exam
    with pytest.raises(UsageError, match="on dev once before and once after"):
        asked(lab, "fair --set after.enabled=false", on="dev")


def test_who_teaches_is_known_also_where_the_untrained_student_stands_first(lab):
    data = asked(lab, "untrained", "single-teacher").data()
    assert data["teachers"] == list(lab.teachers)


def test_the_untrained_student_needs_no_teacher(lab):
    found = run(lab, "answers-only", "untrained", teachers=())
    assert [row.teacher_tokens for row in found.rows] == [0, 0]
    assert any(line.strip().startswith("untrained") for line in lines(found))


def test_what_a_student_learned_from_is_counted_over_its_epochs(lab):
    found = run(lab, "answers-only", settings=(*QUICK, "train.epochs=3"))
    (row,) = found.rows
    (adapter,) = lab.rows("SELECT steps, tokens FROM adapters")
    assert row.steps == adapter["steps"] == 3
    assert row.trained_tokens == 3 * adapter["tokens"]


def test_what_the_student_says_about_train_questions_costs_it_tokens(lab):
    found = run(lab, FAIR, "single-teacher")
    rows = by_name(found)
    assert rows["single-teacher"].student_tokens == 0
    read_and_written = lab.column(
        "SELECT SUM(g.prompt_tokens + g.completion_tokens) FROM generations g WHERE g.id IN "
        "(SELECT generation FROM answers WHERE split = 'train')"
    )
    assert [rows[FAIR].student_tokens] == read_and_written


# -- FLOPs -------------------------------------------------------------------------------------------


def sized(lab, name, parameters):
    """A teacher that says how many parameters it has."""
    text = Path(teacher(lab.folder, name)).read_text()
    return script(lab.folder, name, f"parameters = {parameters}\n{text}")


def test_a_teacher_costs_two_flops_for_each_parameter_and_token(lab):
    found = run(lab, "single-teacher", teachers=(sized(lab, "big", 1000),))
    (row,) = found.rows
    assert row.teacher_flops == 2 * 1000 * row.teacher_tokens
    unknown = run(lab, "single-teacher")
    assert unknown.rows[0].teacher_flops is None


def test_equal_flops_buy_more_questions_of_a_smaller_teacher(lab):
    many(lab, 20)
    both = (sized(lab, "big", 3000), sized(lab, "small", 2000))
    small = "single-teacher --set teachers=[1]"
    budget = 3 * 10**6
    found = run(lab, "single-teacher", small, teachers=both, budget_flops=budget)
    rows = by_name(found)
    assert 0 < rows["single-teacher"].train_questions < rows[small].train_questions
    for row in found.rows:
        assert 0 < row.teacher_flops <= budget
    assert "teacher FLOPs" in lines(found)[-1]


# -- the whole run's budget ---------------------------------------------------------------------------


def test_a_budget_is_met_by_the_total_of_all_rounds(lab):
    many(lab, 16)
    rounds = f"{FAIR} --set rounds=2"
    found = run(lab, rounds, budget_tokens=BUDGET)
    assert 0 < found.rows[0].teacher_tokens <= BUDGET


def test_what_teachers_are_asked_late_counts_and_the_run_is_made_again_with_fewer_questions(lab):
    many(lab, 16)
    copy_recipe("single-teacher", "late", lab.folder)
    recipe = lab.folder / "recipes" / "late" / "recipe.toml"
    look = """
[[after]]
id = "look"
stage = "exam"
role = "teacher"
split = "train"
"""
    recipe.write_text(recipe.read_text().replace('"single-teacher"', '"late"') + look)
    found = run(lab, "late", teachers=lab.teachers[:1], budget_tokens=600)
    (row,) = found.rows
    again = [line for line in lab.lines if line.startswith("the whole run cost")]
    assert again
    assert again[0].endswith("train questions")
    assert 0 < row.teacher_tokens <= 600
    assert 0 < row.train_questions < 16


def test_the_form_alone_is_never_asked_for_the_whole_budget(lab):
    many(lab, 60)
    found = run(lab, "format-only", budget_tokens=10**6)
    (row,) = found.rows
    assert row.steps == 10
    [asked_for] = lab.column("SELECT COUNT(*) FROM explanations")
    assert 16 <= asked_for < 40
