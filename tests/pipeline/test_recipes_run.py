"""Every recipe on disk runs whole, on a tiny student with scripted teachers; and any of its parts can be left out."""

import os

import pytest

from localfair.errors import LocalfairError
from localfair.machine.workspace import packaged_dir
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Exam, Inquire, Train

NAMES = sorted(p.parent.name for p in packaged_dir("recipes").glob("*/recipe.toml"))
WHOLE = {"mentor-kd": ("mentor-teach.write.rationale.samples=1", "teach.write.rationale.samples=2")}

# one that reads worked examples before the question, as quickstart's prompts have them
READER = r"""
[[rule]]
when = "Do the two agree"
replies = ["They agree. Score: [5]"]
[[rule]]
when = ".*code of item (\\d+)"
replies = ["The code of item \\1 is \\1. The answer is \\1."]
"""


def small(name, folder, tokens=4):
    """Settings that make any recipe small: few tokens, one epoch, a small adapter."""
    found = []
    for _, _, step in load_recipe(name, folder).sections():
        if isinstance(step, Exam):
            found.append(f"{step.id}.sampling.max_tokens={tokens}")
        if isinstance(step, Train):
            found += [
                f"{step.id}.{key}"
                for key in ("epochs=1", "adapter.rank=4", "max_length=500", "batch=16")
            ]
            found += [f"{step.id}.accumulation=1", f"{step.id}.learning_rate=1e-3"]
        if isinstance(step, Inquire) and step.role == "mentor":
            found.append(f"{step.id}.sampling.max_tokens={tokens}")
    return (*found, *WHOLE.get(name, ()))


def run(lab, name, *settings, until=None, **options):
    order = {"train_limit": 4, "test_limit": 2, "engine": None, **seats(lab, name), **options}
    shown = few_demonstrations(lab, name)
    return lab.run(
        name, settings=(*small(name, lab.folder), *shown, *settings), until=until, **order
    )


def seats(lab, name):
    """Who else a recipe needs: a mentor, teachers that read worked examples."""
    reader = lab.folder / "reader.script.toml"
    reader.write_text(READER)
    return {
        "mentor-kd": {"mentor": lab.student},
        "quickstart": {"teachers": (str(reader),) * 3},
    }.get(name, {})


def few_demonstrations(lab, name):
    """Those of quickstart are more than the laboratory has questions."""
    if name != "quickstart":
        return ()
    write = ("feedback", "rationale")
    return (
        "review.demonstrations=2",
        *(f"inquire.write.{kind}.demonstrations=2" for kind in write),
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_on_disk_runs_whole_and_again_asks_nobody(lab, name):
    first = run(lab, name)
    assert first["status"] == "done" and first["lessons"] > 0 and first["adapter"]
    assert (
        first["before"]["questions"] == first["after"]["questions"] == first["change"]["questions"]
    )
    again = run(lab, name)
    assert again["backend_calls"] == again["loads"] == 0 and again["after"] == first["after"]


def test_no_recipe_escapes():
    assert len(NAMES) >= 8 and {"fair", "tinyllm", "mentor-kd", "tailored"} < set(NAMES)


# recipe, the one --set, and what must be true of the run up to its lessons
WITHOUT = {
    "review": ("fair", "review.enabled=false", lambda f: f["reviews"] == 0 and f["lessons"] == 8),
    "reviewers": ("fair", "review.mode=none", lambda f: f["reviews"] == 0 and f["accepted"] > 0),
    "answer check": (
        "fair",
        "review.accept.answer_check=false",
        lambda f: f["accepted"] == f["explanations"],
    ),
    "review of feedback": ("fair", 'review.of=["rationale"]', lambda f: f["lessons"] == 8),
    "mistakes": (
        "fair",
        "inquire.about=questions",
        lambda f: kinds(f) == {"rationale"} and f["lessons"] == 4,
    ),
    "feedback": ("fair", "train.loss.feedback.weight=0", lambda f: f["lessons"] == 8),
    "a teacher": ("fair", "teachers=[0,2]", lambda f: f["explanations"] == 4 * 2 * 2),
    "format mistakes": ("fair", "exam.unreadable_is=format", lambda f: f["lessons"] >= 4),
    "decontamination": ("fair", "select.decontaminate=0", lambda f: f["lessons"] == 8),
    "demonstrations": (
        "tinyllm",
        "teach.write.rationale.demonstrations=0",
        lambda f: f["lessons"] == 4 + 4 * 3,
    ),
    "a teacher of tinyllm": ("tinyllm", "teachers=[1]", lambda f: f["lessons"] == 4 + 4),
    "tailoring": ("tailored", "inquire.about=questions", lambda f: f["lessons"] > 0),
    "check of tailored": (
        "tailored",
        "check.enabled=false",
        lambda f: f["lessons"] > 0 and f["accepted"] == 0,
    ),
    "check": ("single-teacher", "check.enabled=false", lambda f: f["lessons"] == 4),
    "check of mentor-kd": ("mentor-kd", "check-teachers.enabled=false", lambda f: f["lessons"] > 0),
}


def kinds(found):
    return {k for k in ("feedback", "rationale") if found["steps"][-1]["outcome"].get(k)}


@pytest.mark.parametrize("part", WITHOUT)
def test_any_part_can_be_left_out_by_one_setting(lab, part):
    name, setting, holds = WITHOUT[part]
    last = "mentor-lessons" if name == "mentor-kd" else "select"
    found = run(lab, name, setting, until=last)
    assert holds(found), found["steps"]


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
    whole, settled = load_recipe(name, tmp_path), load_recipe(name, tmp_path, (setting,))
    terms = [
        next(s for _, s in recipe.steps() if s.id == "train").loss for recipe in (whole, settled)
    ]
    assert {t.term for t in terms[1]} == left and set(terms[1]) <= set(terms[0])


def test_what_a_review_that_is_off_would_have_read_is_read_instead(tmp_path):
    steps = {
        s.id: s
        for _, s in load_recipe("mentor-kd", tmp_path, ("check-teachers.enabled=false",)).steps()
    }
    assert steps["mentor-lessons"].input == ("teach",) and steps["lessons"].input == (
        "teach",
        "check-mentor",
    )
    steps = {
        s.id: s
        for _, s in load_recipe("mentor-kd", tmp_path, ("mentor-teach.enabled=false",)).steps()
    }
    assert "check-mentor" not in steps and steps["lessons"].input == ("check-teachers",)


def test_without_soft_labels_mentor_kd_runs_whole(lab):
    found = run(lab, "mentor-kd", "soften.enabled=false")
    assert found["status"] == "done" and "soften" not in [s["stage"] for s in found["steps"]]


def calls(found):
    return {(s["step"], s["round"]): s["calls"] for s in found["steps"]}


def test_one_more_teacher_pays_only_for_what_it_writes_reviews_and_has_reviewed(lab):
    two, three = (run(lab, "fair", until="review", teachers=lab.teachers[:n]) for n in (2, 3))
    mistakes = three["mistakes"]
    assert calls(three)[("exam", 1)] == 0 and calls(three)[("inquire", 1)] == 2 * mistakes
    assert two["reviews"] <= three["reviews"]
    assert calls(three)[("review", 1)] <= 2 * mistakes * (
        2 + 2
    )  # of two others by it, of it by two others


def test_one_more_round_pays_only_for_that_round(lab):
    one, two = run(lab, "fair"), run(lab, "fair", "rounds=2")
    asked = calls(two)
    assert [asked[(step, 1)] for step in ("exam", "inquire", "review", "select", "train")] == [
        0
    ] * 5
    assert asked[("exam", 2)] == 4 and two["status"] == "done"
    parents = [row["parent"] for row in lab.rows("SELECT parent FROM adapters ORDER BY created")]
    assert parents == [None, one["adapter"]["id"]]


@pytest.mark.parametrize(
    ("name", "settings", "options", "says"),
    [
        ("tinyllm", ("train.loss.answer.weights=[1]",), {}, "recipe 'tinyllm' has 1 problem"),
        ("fair", ("select.enabled=false",), {}, "recipe 'fair' has 1 problem"),
        ("tinyllm", ("teach.enabled=false",), {}, "recipe 'tinyllm' has 2 problems"),
        ("fair", ("train.loss.kl.weight=0",), {}, "names no key of a term"),
        ("fair", ("train.loss.feedback=0",), {}, "names no key of a term"),
    ],
)
def test_bad_input_is_one_line_and_a_hint_before_anybody_is_asked(
    lab, name, settings, options, says
):
    teachers = lab.teachers[: options.get("teachers", 3)]
    with pytest.raises(LocalfairError) as refused:
        run(lab, name, *settings, teachers=teachers)
    assert says in refused.value.message and refused.value.hint and refused.value.exit_code == 2
    assert not lab.db.exists()


@pytest.mark.parametrize("name", ["answers-only", "fair", "single-teacher"])
def test_a_task_without_a_train_split_is_refused_by_every_recipe(lab, name):
    lab.data.write_text(
        '{"question": "What is the code of item 3?", "answer": "3", "split": "test"}\n'
    )
    with pytest.raises(LocalfairError, match="no train questions") as refused:
        run(lab, name)
    assert refused.value.exit_code == 2 and refused.value.hint


def test_a_weight_of_nothing_for_one_teacher_is_a_recipe_too(lab):
    found = run(lab, "tinyllm", "train.loss.rationale.weights=[1, 0.5, 0]")
    assert '["rationale:1",0.5]' in lab.rows("SELECT settings FROM adapters")[0][
        "settings"
    ].replace(", ", ",")
    assert found["status"] == "done"


def test_tinyllm_teaches_answers_and_one_rationale_per_teacher(lab):
    settings = ("before.sampling.max_tokens=8", "after.sampling.max_tokens=8")
    found = lab.run(recipe="tinyllm", settings=settings, teachers=lab.teachers[:2])
    assert found["lessons"] == 8 + 8 * 2
    assert found["reviews"] == 0
    terms = lab.rows("SELECT settings FROM adapters")[0]["settings"]
    assert all(term in terms for term in ("answer", "rationale:0", "rationale:1"))
    prompts = lab.rows("SELECT prompt FROM lessons WHERE kind = 'rationale' AND teacher = 1")
    assert all("explain as teacher 2" in row["prompt"] for row in prompts)


def test_the_quickstart_says_what_its_committee_is_not(tmp_path):
    note = load_recipe("quickstart", tmp_path).note
    assert "little better than chance" in note
    assert "larger teachers" in note


@pytest.fixture(scope="session")
def real_student(tmp_path_factory):
    """SmolLM2-135M-Instruct as safetensors. Where CI is set it must be here: `localfair models fetch` brings it."""
    from localfair.errors import MissingWeights
    from localfair.machine.workspace import workspace_dir
    from localfair.models import resolve
    from localfair.models.dequantise import dequantised

    with pytest.MonkeyPatch.context() as patch:
        if weights := os.environ.get("LOCALFAIR_TEST_WEIGHTS"):
            patch.setenv("LOCALFAIR_WEIGHTS", weights)
        try:
            model = resolve("smollm2-135m-instruct", workspace_dir())
        except MissingWeights as missing:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{missing}; {missing.hint}")
    return str(dequantised(model, tmp_path_factory.mktemp("real")))


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_runs_on_real_weights(lab, name, real_student):
    mentor = {"mentor": real_student} if name == "mentor-kd" else {}
    found = run(lab, name, student=real_student, train_limit=2, test_limit=2, **mentor)
    assert found["status"] == "done" and found["lessons"] > 0 and found["change"]["questions"] >= 1
