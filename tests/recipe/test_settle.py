"""One `--set` is enough to leave a part of a recipe out: what depends on it goes or reads what it
would have read.
"""

from localfair.recipe.load import load_recipe
from localfair.recipe.schema import BestEpoch, Train
from localfair.recipe.settle import settle


def steps(tmp_path, name, *settings):
    """The steps of a recipe by id, those that are off included."""
    recipe = load_recipe(name, tmp_path, settings)
    return {step.id: step for _, _, step in recipe.sections()}


def terms(step):
    return [term.term for term in step.loss]


def test_who_names_a_review_that_is_off_reads_what_it_would_have_read(tmp_path):
    named = steps(tmp_path, "fair", 'select.input=["review"]', "review.enabled=false")
    assert named["select"].input == ("inquire",)


def test_a_review_that_names_its_input_passes_that_on(tmp_path):
    settings = ('review.input=["inquire"]', 'select.input=["review"]', "review.enabled=false")
    assert steps(tmp_path, "fair", *settings)["select"].input == ("inquire",)


def test_names_that_are_on_stay_as_they_are(tmp_path):
    assert steps(tmp_path, "fair", 'select.input=["review"]')["select"].input == ("review",)


def test_a_select_without_own_answers_names_no_exam(tmp_path):
    whole = steps(tmp_path, "single-teacher-own")["select"]
    without = steps(tmp_path, "single-teacher-own", "select.per_question.own=0")["select"]
    assert (whole.input, without.input) == (("check", "exam"), ("check",))


def test_a_select_of_own_answers_alone_names_no_review(tmp_path):
    alone = steps(tmp_path, "single-teacher-own", "select.per_question.rationale=0")["select"]
    assert alone.input == ("exam",)


def test_without_turns_nobody_is_chosen_by_the_questions_most_alike(tmp_path):
    assert steps(tmp_path, "committee")["teach"].nearest == 2
    assert steps(tmp_path, "committee", "teach.turns=false")["teach"].nearest == 0


def test_an_epoch_is_chosen_by_what_the_last_exam_asks(tmp_path):
    def asked(name, *settings):
        train = steps(tmp_path, name, "train.best_epoch.epochs=[1]", *settings)["train"]
        return train.best_epoch.ask

    assert asked("fair") == "rationale"
    assert asked("answers-only") == "answer"
    assert asked("step-by-step", "train.best_epoch.ask=rationale") == "rationale"


def test_a_mentors_epoch_is_chosen_by_its_rationales(tmp_path):
    recipe = load_recipe("mentor-kd", tmp_path)
    after = [step.model_copy(update={"ask": "answer"}) for step in recipe.after]
    steps = []
    for step in recipe.round:
        chooses = {"best_epoch": BestEpoch()} if isinstance(step, Train) else {}
        steps.append(step.model_copy(update=chooses))
    settled = settle(recipe.model_copy(update={"after": tuple(after), "round": tuple(steps)}))
    asked = {step.role: step.best_epoch.ask for step in settled.round if isinstance(step, Train)}
    assert asked == {"mentor": "rationale", "student": "answer"}


def test_a_kl_term_goes_with_its_soften_step(tmp_path):
    whole = steps(tmp_path, "mentor-kd")
    without = steps(tmp_path, "mentor-kd", "soften.enabled=false")
    assert "kl" in terms(whole["train"])
    assert "kl" not in terms(without["train"])


def test_a_term_of_weight_0_goes_and_the_others_keep_their_weights(tmp_path):
    train = steps(tmp_path, "fair", "train.loss.feedback.weight=0")["train"]
    assert [(term.kind, term.weight) for term in train.loss] == [("rationale", 0.5)]


def test_a_ce_term_goes_when_every_teachers_weight_is_0(tmp_path):
    settings = ("train.loss.rationale.weights=[0, 0]", "train.loss.answer.weight=1")
    kinds = [term.kind for term in steps(tmp_path, "tinyllm", *settings)["train"].loss]
    assert kinds == ["answer"]


def test_the_only_term_stays_whatever_its_weight(tmp_path):
    train = steps(tmp_path, "answers-only", "train.loss.answer.weight=0")["train"]
    assert [(term.kind, term.weight) for term in train.loss] == [("answer", 0)]


def test_an_inquire_that_is_off_takes_its_review_with_it_and_leaves_the_others(tmp_path):
    without_mentor = steps(tmp_path, "mentor-kd", "mentor-teach.enabled=false")
    assert not without_mentor["check-mentor"].enabled
    assert without_mentor["check-teachers"].enabled
    assert without_mentor["lessons"].input == ("check-teachers",)
