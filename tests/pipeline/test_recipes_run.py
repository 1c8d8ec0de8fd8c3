"""Every recipe on disk runs whole, and any of its parts can be left out."""

import json
import os

import pytest

from localfair.errors import LocalfairError, MissingWeights
from localfair.machine.workspace import packaged_dir, workspace_dir
from localfair.models import resolve
from localfair.models.dequantise import dequantised
from localfair.pipeline.plan import plan
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam, Inquire, Train
from tests.lab import item, script

NAMES = sorted(path.parent.name for path in packaged_dir("recipes").glob("*/recipe.toml"))
WHOLE = {
    "mentor-kd": ("mentor-teach.write.rationale.samples=1", "teach.write.rationale.samples=2"),
    "committee": ("learn.epochs=1", "train.best_epoch.epochs=[1]", "exam.samples=2"),
}

# one that reads worked examples before the question, as quickstart's prompts have them
READER = r"""
[[rule]]
when = "Does the solution's answer agree"
replies = ["4016 agrees: [5]"]
[[rule]]
when = ".*code of item (\\d+)"
replies = ["Each item has its own number for a code, which is \\1 here. The answer is \\1."]
"""


# those of quickstart are more than the laboratory has questions
FEW_DEMONSTRATIONS = (
    "check.demonstrations=2",
    "teach.write.rationale.demonstrations=2",
)


def small(name, folder, tokens=4):
    """Settings that make any recipe small: few tokens, one epoch, a small adapter."""
    settings = []
    for _, _, step in load_recipe(name, folder).sections():
        if isinstance(step, Exam):
            settings.append(f"{step.id}.sampling.max_tokens={tokens}")
        if isinstance(step, Train):
            for key in ("epochs=1", "adapter.rank=4", "max_length=500", "batch=16"):
                settings.append(f"{step.id}.{key}")
            settings.append(f"{step.id}.accumulation=1")
            settings.append(f"{step.id}.learning_rate=1e-3")
        if isinstance(step, Inquire) and step.role == "mentor":
            settings.append(f"{step.id}.sampling.max_tokens={tokens}")
    return (*settings, *WHOLE.get(name, ()))


def run(lab, name, *settings, until=None, **options):
    order = {"train_limit": 4, "test_limit": 2, "engine": None, **seats(lab, name), **options}
    shown = FEW_DEMONSTRATIONS if name == "quickstart" else ()
    whole = (*small(name, lab.folder), *shown, *settings)
    return lab.run(name, settings=whole, until=until, **order)


def seats(lab, name):
    """Who else a recipe needs: a mentor, teachers that read worked examples."""
    if name == "mentor-kd":
        return {"mentor": lab.student}
    if name in ("quickstart", "committee"):
        return {"teachers": (script(lab.folder, "reader", READER),) * 3}
    return {}


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_on_disk_runs_whole_and_again_asks_nobody(lab, name):
    first = run(lab, name)
    assert first["status"] == "done"
    assert first["lessons"] > 0
    assert first["adapter"]
    questions = [first[exam]["questions"] for exam in ("before", "after", "change")]
    assert len(set(questions)) == 1
    again = run(lab, name)
    assert again["backend_calls"] == again["loads"] == 0
    assert again["after"] == first["after"]


def test_no_recipe_escapes():
    assert len(NAMES) >= 8
    assert {"fair", "tinyllm", "mentor-kd", "tailored"} < set(NAMES)


# by the part that is left out: recipe, the one --set, and what must be true up to the lessons
WITHOUT = {
    "review": ("fair", "review.enabled=false", {"reviews": 0, "lessons": 8}),
    "reviewers": ("fair", "review.mode=none", {"reviews": 0, "accepted": "some"}),
    "answer check": ("fair", "review.accept.answer_check=false", {"accepted": "all"}),
    "review of feedback": ("fair", 'review.of=["rationale"]', {"lessons": 8}),
    "mistakes": ("fair", "inquire.about=questions", {"kinds": ["rationale"], "lessons": 4}),
    "feedback": ("fair", "train.loss.feedback.weight=0", {"lessons": 8}),
    "a teacher": ("fair", "teachers=[0,2]", {"explanations": 4 * 2 * 2}),
    "format mistakes": ("fair", "exam.unreadable_is=format", {"lessons": "a question each"}),
    "decontamination": ("fair", "select.decontaminate=0", {"lessons": 8}),
    "demonstrations": (
        "tinyllm",
        "teach.write.rationale.demonstrations=0",
        {"lessons": 4 + 4 * 3},
    ),
    "a teacher of tinyllm": ("tinyllm", "teachers=[1]", {"lessons": 4 + 4}),
    "tailoring": ("tailored", "inquire.about=questions", {"lessons": "some"}),
    "check of tailored": ("tailored", "check.enabled=false", {"lessons": "some", "accepted": 0}),
    "check": ("single-teacher", "check.enabled=false", {"lessons": 4}),
    "own answers": ("single-teacher-own", "select.per_question.own=0", {"lessons": 4}),
    "teachers beside own answers": (
        "single-teacher-own",
        "select.per_question.rationale=0",
        {"lessons": "some"},
    ),
    "check of mentor-kd": ("mentor-kd", "check-teachers.enabled=false", {"lessons": "some"}),
}


def holds(found, name, expected):
    """Whether a figure of a report is what is expected of it."""
    if name == "kinds":
        outcome = found["steps"][-1]["outcome"]
        return [kind for kind in ("feedback", "rationale") if outcome.get(kind)] == expected
    if expected == "some":
        return found[name] > 0
    if expected == "all":
        return found[name] == found["explanations"]
    if expected == "a question each":
        return found[name] >= 4
    return found[name] == expected


@pytest.mark.parametrize("part", WITHOUT)
def test_any_part_can_be_left_out_by_one_setting(lab, part):
    name, setting, figures = WITHOUT[part]
    last = "mentor-lessons" if name == "mentor-kd" else "select"
    found = run(lab, name, setting, until=last)
    for figure, expected in figures.items():
        assert holds(found, figure, expected), found["steps"]


def steps_of(name, folder, *settings):
    """A recipe's steps by their ids, with some settings."""
    return {step.id: step for _, step in load_recipe(name, folder, settings).steps()}


@pytest.mark.parametrize(
    ("name", "setting", "left"),
    [
        ("mentor-kd", "soften.enabled=false", {"ce"}),
        ("mentor-kd", "train.loss.kl.weight=0", {"ce"}),
        ("mentor-kd", "mentor-teach.enabled=false", {"ce", "kl"}),
        ("tailored", "train.loss.triplet.weight=0", {"lm"}),
        ("fair", "train.loss.feedback.weight=0", {"ce"}),
    ],
)
def test_a_loss_loses_the_term_of_what_is_left_out_and_the_rest_keeps_its_weight(
    tmp_path, name, setting, left
):
    whole = steps_of(name, tmp_path)["train"].loss
    without = steps_of(name, tmp_path, setting)["train"].loss
    assert {term.term for term in without} == left
    assert set(without) <= set(whole)


def test_what_a_review_that_is_off_would_have_read_is_read_instead(tmp_path):
    steps = steps_of("mentor-kd", tmp_path, "check-teachers.enabled=false")
    assert steps["mentor-lessons"].input == ("teach",)
    assert steps["lessons"].input == ("teach", "check-mentor")


def test_what_nothing_was_made_for_is_not_read(tmp_path):
    steps = steps_of("mentor-kd", tmp_path, "mentor-teach.enabled=false")
    assert "check-mentor" not in steps
    assert steps["lessons"].input == ("check-teachers",)


def test_without_soft_labels_mentor_kd_runs_whole(lab):
    found = run(lab, "mentor-kd", "soften.enabled=false")
    assert found["status"] == "done"
    assert "soften" not in [step["stage"] for step in found["steps"]]


def calls(found):
    return {(step["step"], step["round"]): step["calls"] for step in found["steps"]}


def test_one_more_teacher_pays_only_for_what_it_writes_reviews_and_has_reviewed(lab):
    two = run(lab, "fair", until="review", teachers=lab.teachers[:2])
    three = run(lab, "fair", until="review", teachers=lab.teachers)
    mistakes = three["mistakes"]
    asked = calls(three)
    assert asked["exam", 1] == 0
    assert asked["inquire", 1] == 2 * mistakes
    assert two["reviews"] <= three["reviews"]
    # it reviews what two others wrote, and two others review what it wrote
    assert asked["review", 1] <= 2 * mistakes * (2 + 2)


def test_one_more_round_pays_only_for_that_round(lab):
    one = run(lab, "fair")
    two = run(lab, "fair", "rounds=2")
    asked = calls(two)
    for step in ("exam", "inquire", "review", "select", "train"):
        assert asked[step, 1] == 0
    assert asked["exam", 2] == 4
    assert two["status"] == "done"
    parents = lab.column("SELECT parent FROM adapters ORDER BY created")
    assert parents == [None, one["adapter"]["id"]]


def test_own_answers_are_given_by_the_student_that_learned_and_learned_from_the_base(lab):
    # an untrained student is never right: with the same settings the second adapter is the first
    found = run(lab, "single-teacher-own", "train.learning_rate=2e-3")
    first, last = lab.rows("SELECT * FROM adapters ORDER BY created")
    assert first["parent"] is last["parent"] is None
    assert found["adapter"]["id"] == last["id"]
    asked_on_train = """
    SELECT DISTINCT s.adapter FROM answers a JOIN seats s ON s.id = a.seat WHERE a.split = 'train'
    """
    assert lab.column(asked_on_train) == [first["id"]]


def test_more_questions_cost_the_teacher_of_own_answers_only_themselves(lab):
    run(lab, "single-teacher-own", train_limit=3)
    more = calls(run(lab, "single-teacher-own", train_limit=5))
    assert more["teach", 1] == 2
    assert more["exam", 1] == 5 * 4  # the student that answers learned more than the one before
    assert more["before", 0] == 0


@pytest.mark.parametrize("until", [None, "check", "learn", "exam", "select"])
def test_a_plan_of_own_answers_bounds_its_run(lab, until):
    settings = ("select.per_question.own=2", "select.prefer=likely")
    if until:
        run(lab, "single-teacher-own", *settings, until=until)
    whole = (*small("single-teacher-own", lab.folder), *settings)
    order = lab.order("single-teacher-own", whole, train_limit=4, test_limit=2)
    planned = plan(order).lines
    ran = run(lab, "single-teacher-own", *settings)
    for step in ran["steps"]:
        of_step = [line for line in planned if line.step == step["step"]]
        assert step["calls"] <= sum(line.calls + line.more for line in of_step)
        assert step["reused"] >= sum(line.recorded for line in of_step)
    assert calls(run(lab, "single-teacher-own", *settings)) == dict.fromkeys(calls(ran), 0)


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("tinyllm", "train.loss.answer.weights=[1]", "recipe 'tinyllm' has 1 problem"),
        ("fair", "select.enabled=false", "recipe 'fair' has 1 problem"),
        ("tinyllm", "teach.enabled=false", "recipe 'tinyllm' has 2 problems"),
        ("fair", "train.loss.kl.weight=0", "names no key of a term"),
        ("fair", "train.loss.feedback=0", "names no key of a term"),
    ],
)
def test_a_setting_that_spoils_a_recipe_is_one_line_and_a_hint_before_anybody_is_asked(
    lab, name, setting, message
):
    with pytest.raises(LocalfairError) as refused:
        run(lab, name, setting)
    assert message in refused.value.message
    assert refused.value.hint
    assert refused.value.exit_code == 2
    assert not lab.db.exists()


@pytest.mark.parametrize("name", ["answers-only", "fair", "single-teacher"])
def test_a_task_without_a_train_split_is_refused_by_every_recipe(lab, name):
    lab.write_questions([item(3, "test")])
    with pytest.raises(LocalfairError, match="no train questions") as refused:
        run(lab, name)
    assert refused.value.exit_code == 2
    assert refused.value.hint


def test_a_weight_of_nothing_for_one_teacher_is_a_recipe_too(lab):
    found = run(lab, "tinyllm", "train.loss.rationale.weights=[1, 0.5, 0]")
    (adapter,) = lab.rows("SELECT settings FROM adapters")
    assert ["rationale:1", 0.5] in json.loads(adapter["settings"])["terms"]
    assert found["status"] == "done"


def test_tinyllm_teaches_answers_and_one_rationale_per_teacher(lab):
    settings = ("before.sampling.max_tokens=8", "after.sampling.max_tokens=8")
    found = lab.run(recipe="tinyllm", settings=settings, teachers=lab.teachers[:2])
    assert found["lessons"] == 8 + 8 * 2
    assert found["reviews"] == 0
    terms = lab.rows("SELECT settings FROM adapters")[0]["settings"]
    assert all(term in terms for term in ("answer", "rationale:0", "rationale:1"))
    prompts = lab.column("SELECT prompt FROM lessons WHERE kind = 'rationale' AND teacher = 1")
    assert prompts
    assert all("explain as teacher 2" in prompt for prompt in prompts)


def test_the_quickstart_says_what_its_committee_is_not(tmp_path):
    note = load_recipe("quickstart", tmp_path).note
    assert "little better than chance" in note
    assert "larger teachers" in note


@pytest.fixture(scope="session")
def real_student(tmp_path_factory):
    """SmolLM2-135M-Instruct as safetensors, as `localfair models fetch` brings it.

    Where CI is set it must be here.
    """
    with pytest.MonkeyPatch.context() as environment:
        weights = os.environ.get("LOCALFAIR_TEST_WEIGHTS")
        if weights:
            environment.setenv("LOCALFAIR_WEIGHTS", weights)
        try:
            model = resolve("smollm2-135m-instruct", workspace_dir())
        except MissingWeights as missing:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(f"{missing}; {missing.hint}")
    return str(dequantised(model, tmp_path_factory.mktemp("real")))


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_runs_on_real_weights(lab, name, real_student):
    mentor = {"mentor": real_student} if name == "mentor-kd" else {}
    found = run(lab, name, student=real_student, train_limit=2, test_limit=2, **mentor)
    assert found["status"] == "done"
    assert found["lessons"] > 0
    assert found["change"]["questions"] >= 1
