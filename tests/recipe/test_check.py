"""What is wrong with a recipe is told whole, at the door, with the nearest name for an unknown key."""

import tomllib

import pytest

from localfair.errors import RecipeError
from localfair.machine.workspace import packaged_dir
from localfair.recipe.check import needs
from localfair.recipe.load import copy_recipe, load_recipe, parse_recipe


def problems(tmp_path, *settings, name="fair"):
    """The problems of a recipe that is refused."""
    with pytest.raises(RecipeError) as refused:
        load_recipe(name, tmp_path, settings)
    return list(refused.value.problems)


def fair_toml():
    return tomllib.loads((packaged_dir("recipes") / "fair" / "recipe.toml").read_text())


def parsing_problems(data):
    with pytest.raises(RecipeError) as refused:
        parse_recipe(data, {})
    return list(refused.value.problems)


# -- keys -----------------------------------------------------------------------------------------


def test_all_errors_come_at_once(tmp_path):
    settings = ("review.acept=1", "train.epochs=0", "exam.split=tran", "rounds=0")
    places = [problem.split(":")[0] for problem in problems(tmp_path, *settings)]
    assert sorted(places) == ["exam.split", "review.acept", "rounds", "train.epochs"]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("review.acept=1", "review.acept: unknown key; did you mean 'accept'?"),
        ("round=1", "round: input should be a valid tuple"),
        ("sumary=1", "sumary: unknown key; did you mean 'summary'?"),
        (
            "review.accept.meanabove=1",
            "review.accept.meanabove: unknown key; did you mean 'mean_above'?",
        ),
        (
            "review.sampling.temprature=1",
            "review.sampling.temprature: unknown key; did you mean 'temperature'?",
        ),
        (
            "review.sampling.zzz=1",
            "review.sampling.zzz: unknown key; known keys: enable_thinking, max_tokens, stop, temperature, top_p",
        ),
        ("train.loss.rationale.wait=1", "train.loss.1.wait: unknown key; did you mean 'weight'?"),
        ("defaults.trainlimit=1", "defaults.trainlimit: unknown key; did you mean 'train_limit'?"),
    ],
)
def test_an_unknown_key_comes_with_the_nearest_of_its_own_table(tmp_path, setting, problem):
    assert problem in problems(tmp_path, setting)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("review.sampling.top_p=0", "review.sampling.top_p: input should be greater than 0"),
        (
            "review.sampling.temperature=9",
            "review.sampling.temperature: input should be less than or equal to 5",
        ),
        (
            "exam.sampling.max_tokens=0",
            "exam.sampling.max_tokens: input should be greater than or equal to 1",
        ),
    ],
)
def test_sampling_outside_its_bounds_is_refused(tmp_path, setting, problem):
    assert problems(tmp_path, setting) == [problem]


def test_a_stage_that_is_not_there_is_refused_by_the_steps_id():
    data = fair_toml()
    data["round"][0]["stage"] = "examine"
    [problem] = parsing_problems(data)
    assert problem.startswith("exam: value 'examine' for 'stage' does not match")


def test_a_step_without_an_id_is_named_by_its_place():
    data = fair_toml()
    del data["before"][0]["id"]
    assert parsing_problems(data) == ["before[0].id: field required"]


# -- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("select.per_question.feedback=0", "no earlier select makes lessons of kind 'feedback'"),
        ("exam.enabled=false", "mistakes come from an exam on the train split"),
        ("inquire.input=nowhere", "no earlier step is called 'nowhere'"),
        ("inquire.input=before", "mistakes come from an exam on the train split"),
        ("inquire.write={}", "nothing to write"),
        ("train.input=exam", "'exam' is of stage exam, not select"),
        ("review.id=inquire", "two steps have this id"),
    ],
)
def test_a_step_that_needs_what_no_earlier_step_makes_is_refused(tmp_path, setting, problem):
    assert any(problem in line for line in problems(tmp_path, setting))


def test_a_feedback_about_no_mistake_is_refused(tmp_path):
    settings = ("inquire.about=questions", "inquire.write={ feedback = {} }")
    lines = problems(tmp_path, *settings)
    assert any("a feedback explains a mistake" in line for line in lines)


ON_TRAIN = "own answers come from an exam of the student on the train split"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (("exam.enabled=false",), ON_TRAIN),
        (("exam.role=teacher",), ON_TRAIN),
        (("exam.split=dev",), ON_TRAIN),
        (('select.input=["check", "before"]',), "'before' is no exam of the student on the train"),
        (('select.input=["exam"]',), "names exams alone"),
        (("select.per_question.own=-1",), "select.per_question.own"),
        (("select.per_question.own=some",), "select.per_question.own"),
        (("select.distinct=words",), "select.distinct"),
        (("select.prefer=longest",), "select.prefer"),
        (("teach.enabled=false", "check.enabled=false"), "needs an earlier review or inquire step"),
    ],
)
def test_own_answers_need_the_students_exam_on_train(tmp_path, settings, problem):
    lines = problems(tmp_path, *settings, name="single-teacher-own")
    assert any(problem in line for line in lines), lines


def test_only_an_exam_on_train_goes_beyond_the_runs_questions(tmp_path):
    (line,) = problems(tmp_path, "before.beyond=8")
    assert line == "before.beyond: only an exam on the train split goes beyond the run's questions"


def test_a_select_may_take_own_answers_alone(tmp_path):
    settings = ("select.per_question.rationale=0", 'select.input=["exam"]')
    steps = load_recipe("single-teacher-own", tmp_path, settings).steps()
    assert needs({step.id: step for _, step in steps}["select"]) == (("exam",),)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("train.until={ accuracy = 0, epochs = 3 }", "until.accuracy: input should be greater"),
        ("train.until={ accuracy = 1.5, epochs = 3 }", "until.accuracy: input should be less"),
        ("train.until={ accuracy = 0.9, epochs = 0 }", "until.epochs: input should be greater"),
        ("train.until.accuracy=0.9", "train.until.epochs: field required"),
        ("train.until=0.9", "train.until: input should be"),
        ("train.best_epoch.epochs=[0]", "train.best_epoch.epochs.0: input should be greater"),
        ("train.best_epoch.epochs=[2, 99]", "there is no epoch 99, train.epochs is"),
    ],
)
def test_a_training_cannot_end_where_it_never_comes(tmp_path, setting, problem):
    [line] = problems(tmp_path, setting)
    assert problem in line


def test_epochs_to_choose_from_are_bound_by_the_most_that_are_trained(tmp_path):
    settings = ("train.best_epoch.epochs=[8]", "train.until={ accuracy = 0.9, epochs = 6 }")
    [line] = problems(tmp_path, *settings)
    assert "there is no epoch 8, train.until.epochs is 6" in line


def test_steps_that_are_off_are_named_when_nothing_else_is_left_to_read(tmp_path):
    assert problems(tmp_path, "teach.enabled=false", name="single-teacher") == [
        "check: a review step needs an earlier inquire step, and there is none"
    ]
    assert problems(tmp_path, "mentor-lessons.enabled=false", name="mentor-kd") == [
        "mentor.input: mentor-lessons is switched off",
        "mentor: a train step needs an earlier select step, and there is none",
    ]


@pytest.mark.parametrize(
    ("loss", "problem"),
    [
        ('[{ term = "triplet", weight = 0.5 }]', "name either ce terms or one lm term"),
        (
            '[{ term = "lm" }, { term = "ce", kind = "rationale" }]',
            "name either ce terms or one lm term",
        ),
        ('[{ term = "lm" }, { term = "lm" }]', "two lm terms"),
        (
            '[{ term = "lm" }, { term = "kl", weight = 0.3 }]',
            "a kl term needs an earlier soften step",
        ),
        (
            '[{ term = "ce", kind = "rationale", weights = [1, 2] }]',
            "weights are one per teacher, and so need each_teacher = true",
        ),
    ],
)
def test_a_loss_that_means_nothing_is_refused(tmp_path, loss, problem):
    lines = problems(tmp_path, f"train.loss={loss}", name="tailored")
    assert any(problem in line for line in lines)


def test_a_triplet_needs_an_exam_that_shows_mistakes(tmp_path):
    lines = problems(tmp_path, "exam.role=teacher", name="tailored")
    assert any("a triplet term needs the student's mistakes" in line for line in lines)


def test_rounds_can_stop_early_only_by_an_exam_on_dev(tmp_path):
    assert problems(tmp_path, "early_stop.exam=exam", name="tailored") == [
        "early_stop.exam: 'exam' is not an exam on dev in the round"
    ]


# -- prompts --------------------------------------------------------------------------------------


def test_every_missing_prompt_is_named():
    assert parsing_problems(fair_toml()) == [
        "prompts/ask-feedback.md is missing",
        "prompts/ask-rationale.md is missing",
        "prompts/review-feedback.md is missing",
        "prompts/review-rationale.md is missing",
        "prompts/write-feedback.md is missing",
        "prompts/write-rationale.md is missing",
    ]


def test_a_prompt_that_is_no_template_is_told_at_the_door(tmp_path):
    folder = copy_recipe("fair", "mine", tmp_path)
    (folder / "prompts" / "review-rationale.md").write_text("{% if %}")
    assert problems(tmp_path, name="mine") == [
        "prompts/review-rationale.md: Expected an expression, got 'end of statement block'"
    ]


def test_a_select_of_answers_alone_needs_no_earlier_step(tmp_path):
    steps = {step.id: step for _, step in load_recipe("answers-only", tmp_path).steps()}
    assert needs(steps["select"]) == ()


# -- turns and repairs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            ("inquire.about=questions", "inquire.write.repair={}"),
            "inquire.write.repair: a repair corrects a mistake; "
            'set about = "mistakes" or "unsolved"',
        ),
        (
            ("inquire.turns=true", "inquire.write={ feedback = {} }"),
            "inquire.turns: a turn ends with right answers, and a feedback gives none; "
            "write a rationale or a repair too",
        ),
        (
            (
                "exam.enabled=false",
                "inquire.about=unsolved",
                "inquire.write={ rationale = {}, repair = {} }",
            ),
            "inquire.write.repair: the student's attempts come from an exam on the train "
            "split, and no earlier step is one; write a rationale instead",
        ),
        (
            ("inquire.about=unsolved", "inquire.input=before"),
            "inquire.write.feedback: the student's attempts come from an exam on the train "
            "split, and no earlier step is one; write a rationale instead",
        ),
        (
            ("inquire.write={}",),
            "inquire.write: nothing to write; name feedback, rationale or repair",
        ),
        (("inquire.order_on=0",), "inquire.order_on: input should be greater than or equal to 1"),
        (
            ("inquire.about=unsolvd",),
            "inquire.about: input should be 'mistakes', 'questions' or 'unsolved'",
        ),
    ],
)
def test_turns_and_repairs_that_cannot_work_are_refused(tmp_path, settings, problem):
    assert problems(tmp_path, *settings) == [problem]


def test_a_repair_needs_the_prompt_of_a_rationale_too(tmp_path):
    folder = copy_recipe("fair", "mine", tmp_path)
    (folder / "prompts" / "write-rationale.md").unlink()
    settings = ("inquire.write={ repair = {} }",)
    assert problems(tmp_path, *settings, name="mine") == ["prompts/write-rationale.md is missing"]


# -- a calibrated gate ----------------------------------------------------------------------------

CALIBRATED = "review.accept.gate=calibrated"


def test_a_calibrated_verdict_is_short(tmp_path):
    (problem,) = problems(tmp_path, CALIBRATED)
    assert problem.startswith(
        "review.accept.gate: a calibrated verdict takes one pass or at most 10"
    )
    assert 'set review.mode = "direct" or review.sampling.max_tokens = 10' in problem
    for short in ("review.mode=direct", "review.sampling.max_tokens=10", "review.mode=none"):
        load_recipe("fair", tmp_path, (CALIBRATED, short))


def test_a_calibrated_gate_needs_rationales_to_take_labels_from(tmp_path):
    without = ("inquire.write={feedback={}}", 'review.of=["feedback"]', "review.mode=direct")
    rest = ("select.per_question={feedback=1}", "train.loss.rationale.weight=0")
    found = problems(tmp_path, CALIBRATED, *without, *rest)
    assert any("votes are calibrated on rationales" in problem for problem in found)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("review.accept.gate=median", "review.accept.gate: input should be 'mean' or 'calibrated'"),
        ("review.accept.precision=1", "review.accept.precision: input should be less than 1"),
        (
            "review.accept.labels=-1",
            "review.accept.labels: input should be greater than or equal to 0",
        ),
        ("review.accept.plant=1", "review.accept.plant: unknown key; did you mean 'plants'?"),
    ],
)
def test_a_key_of_the_calibrated_gate_is_checked_like_any_other(tmp_path, setting, problem):
    assert problem in problems(tmp_path, setting)
