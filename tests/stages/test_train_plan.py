"""What decides an adapter: its lessons in order, its settings, what its loss wants beside."""

from dataclasses import replace

import pytest

from localfair.machine.hardware import usual_precision
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import BestEpoch, CrossEntropy, Divergence, Train, Triplet
from localfair.record.made import SoftKey, SoftLabel
from localfair.stages.contrasts import Pair
from localfair.stages.train_plan import loss_settings, mean_of, plan, settings_of, term
from tests.stages.explained import lesson

WITHOUT_EXAMS = ("before.enabled=false",)
RATIONALE = lesson()
FEEDBACK = lesson(kind="feedback", teacher=0)
ANSWER = lesson(kind="answer", teacher=None)


def train_step(recipe, folder, *settings):
    """The last train step of a recipe."""
    steps = [step for _, step in load_recipe(recipe, folder, settings).steps()]
    return [step for step in steps if isinstance(step, Train)][-1]


@pytest.fixture
def planned(lab):
    """The plan of a student that learns one teacher's rationales; no model is loaded for it."""
    with lab.at("train", "single-teacher", WITHOUT_EXAMS) as (work, step):
        return plan(work, step)


def changed(planned, **changes):
    """The plan with other keys of its step."""
    return replace(planned, step=planned.step.model_copy(update=changes))


# -- which lessons --------------------------------------------------------------------------------


def test_a_plan_holds_the_lessons_in_the_order_of_their_ids(planned):
    ids = [each.id for each in planned.lessons]
    assert len(ids) == 8
    assert ids == sorted(ids)


def test_a_dropped_lesson_is_not_planned(lab):
    settings = (*WITHOUT_EXAMS, "select.at_most=3")
    with lab.at("train", "single-teacher", settings) as (work, step):
        assert len(plan(work, step).lessons) == 3


def test_a_kind_that_the_loss_has_no_mean_for_is_not_planned(lab):
    settings = (*WITHOUT_EXAMS, "train.loss.answer.weight=0")
    with lab.at("train", "tinyllm", settings, teachers=lab.teachers[:2]) as (work, step):
        lessons = plan(work, step).lessons
    assert len(lessons) == 8 * 2
    assert {each.kind for each in lessons} == {"rationale"}


def test_a_first_training_goes_on_from_nothing(lab):
    with lab.at("train", "fair", train_limit=1) as (work, step):
        assert step.start == "last"
        assert plan(work, step).parent is None


# -- which mean -----------------------------------------------------------------------------------


def test_there_is_one_mean_per_kind(tmp_path):
    step = train_step("fair", tmp_path)
    assert mean_of(step, RATIONALE) == ("rationale", 0.5)
    assert mean_of(step, FEEDBACK) == ("feedback", 0.5)
    assert mean_of(step, ANSWER) is None


def test_there_is_one_mean_per_kind_and_teacher_where_the_recipe_wants_it(tmp_path):
    step = train_step("tinyllm", tmp_path, "train.loss.rationale.weights=[1, 0.25]")
    assert mean_of(step, RATIONALE) == ("rationale:1", 0.25)
    assert mean_of(step, lesson(teacher=0)) == ("rationale:0", 1.0)
    name, _ = mean_of(step, ANSWER)
    assert name == "answer"


def test_a_students_own_lessons_have_a_mean_beside_its_teachers(tmp_path):
    own = lesson(teacher=None)
    assert mean_of(train_step("tinyllm", tmp_path), own) == ("rationale:own", 1.0)
    assert mean_of(train_step("fair", tmp_path), own) == ("rationale", 0.5)


def test_a_language_model_has_one_mean_for_all_lessons(tmp_path):
    step = train_step("tailored", tmp_path)
    assert mean_of(step, RATIONALE) == mean_of(step, FEEDBACK) == ("lm", 1.0)


def test_a_term_is_found_by_its_kind(tmp_path):
    step = train_step("mentor-kd", tmp_path)
    assert term(step, Divergence).weight == 0.3
    assert term(step, CrossEntropy).weight == 0.7
    assert term(step, Triplet) is None


def test_what_a_loss_says_of_lessons_stands_beside_the_trainers_settings(tmp_path):
    tailored = train_step("tailored", tmp_path)
    assert loss_settings(tailored) == {"prompt_weight": 0.1, "max_tokens": 192}
    assert loss_settings(train_step("fair", tmp_path)) == {}


# -- the id ---------------------------------------------------------------------------------------


def test_the_same_plan_made_again_has_the_same_id(lab, planned):
    with lab.at("train", "single-teacher", WITHOUT_EXAMS) as (work, step):
        assert plan(work, step).id == planned.id


def test_a_later_setting_with_its_default_leaves_the_id_as_it_was(planned):
    same = changed(
        planned, group_by_length=False, one_question_a_batch=False, best_epoch=None, start="last"
    )
    assert same.id == planned.id
    known = settings_of(planned).keys()
    assert known.isdisjoint({"group_by_length", "one_question_a_batch", "tau", "vocabulary"})


def test_how_often_a_checkpoint_is_written_is_no_part_of_the_id(planned):
    assert changed(planned, checkpoint_every=7).id == planned.id


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 9},
        {"learning_rate": 0.5},
        {"group_by_length": True},
        {"one_question_a_batch": True},
        {"best_epoch": BestEpoch()},
        {"loss": (CrossEntropy(term="ce", kind="rationale", weight=0.5),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_setting_is_another_adapter(planned, change):
    assert changed(planned, **change).id != planned.id


KEY = SoftKey(mentor="f", adapter="", engine="e", tokens="tokens", top_k=1, vocabulary=400, tau=2.0)
SOFT = {"tokens": SoftLabel(key=KEY, labels=1, indices=b"", logprobs=b"", created="now")}
PAIR = Pair(explanation="b2:e", positive="So it is 7.", answer="b2:a", negative="It is 8.")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"parent": "b2:parent"},
        {"template": "{{ messages }}"},
        {"soft": SOFT},
        {"pairs": {"b2:lesson": PAIR}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_training_is_given_beside_its_lessons_decides_the_adapter(planned, change):
    assert replace(planned, **change).id != planned.id


def test_soft_labels_bring_their_temperature_and_vocabulary(planned):
    settings = settings_of(replace(planned, soft=SOFT))
    assert (settings["tau"], settings["vocabulary"]) == (2.0, 400)


def test_an_adapter_says_that_it_was_computed_in_fp32(planned):
    fp32 = replace(planned, compute="fp32")
    bf16 = replace(planned, compute="bf16")
    assert settings_of(fp32)["compute"] == "fp32"
    assert "compute" not in settings_of(bf16)
    assert fp32.id != bf16.id


def test_a_plan_computes_in_what_this_machine_multiplies_fast(planned):
    assert planned.compute == usual_precision()


def test_the_text_of_a_pair_is_known_by_its_ids(planned):
    one = replace(planned, pairs={"b2:lesson": PAIR})
    same = replace(planned, pairs={"b2:lesson": replace(PAIR, positive="the same row")})
    other = replace(planned, pairs={"b2:lesson": replace(PAIR, answer="b2:other")})
    assert one.id == same.id
    assert one.id != other.id


def test_fewer_lessons_or_another_order_are_another_adapter(planned):
    ids = {
        planned.id,
        replace(planned, lessons=planned.lessons[1:]).id,
        replace(planned, lessons=planned.lessons[::-1]).id,
    }
    assert len(ids) == 3


def test_the_means_of_the_lessons_there_are_and_the_terms_are_what_is_summed(planned):
    assert settings_of(planned)["terms"] == [("rationale", 1.0)]
    with_triplet = (*planned.step.loss, Triplet(term="triplet", weight=0.5))
    terms = settings_of(changed(planned, loss=with_triplet))["terms"]
    assert terms == [("rationale", 1.0), ("triplet", 0.5)]


def test_a_setting_with_its_default_is_no_part_of_an_adapters_identity(lab):
    first = lab.run(train_limit=3)
    defaults = ("train.group_by_length=false", "train.checkpoint_every=7")
    again = lab.run(settings=defaults, train_limit=3)
    grouped = lab.run(settings=("train.group_by_length=true",), train_limit=3)
    assert again["adapter"]["id"] == first["adapter"]["id"]
    assert first["adapter"]["id"] != grouped["adapter"]["id"]
    oldest, _ = lab.rows("SELECT settings FROM adapters ORDER BY created")
    assert "group_by_length" not in oldest["settings"]
