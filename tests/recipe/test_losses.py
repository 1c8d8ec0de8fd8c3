"""The formula in a recipe's README and the loss that its train step computes are the same, on
numbers.

The formula is evaluated with the plainest definitions there are, in float64 and from the papers;
the code with the very weights that the recipe gives it.
"""

import math
import re
from dataclasses import dataclass

import pytest
import torch

from localfair.machine.workspace import packaged_dir
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Divergence, LanguageModel, Train, Triplet
from localfair.stages.train_plan import mean_of
from localfair.training import losses
from tests.stages.explained import lesson

NAMES = sorted(path.parent.name for path in packaged_dir("recipes").glob("*/recipe.toml"))
KINDS = ("feedback", "rationale", "answer")
TEACHERS = (0, 1)
LESSONS = [("feedback", 0), ("rationale", 0), ("rationale", 1), ("answer", None)]
ROWS, TOKENS, WORDS, PROMPT = len(LESSONS), 7, 11, 3
LOSS_BLOCK = re.compile(r"^```loss\n(.*?)\n```$", re.M | re.S)


@dataclass(frozen=True)
class Numbers:
    """A batch of lessons of all kinds, the logits of a student and of a mentor over it, and states
    of triplets.

    labels, ids: (ROWS, TOKENS). student, mentor: (ROWS, TOKENS, WORDS). states: (3, triplets,
    width): anchors, positives, negatives.
    """

    labels: torch.Tensor
    ids: torch.Tensor
    student: torch.Tensor
    mentor: torch.Tensor
    states: torch.Tensor


@pytest.fixture(scope="module")
def numbers():
    torch.manual_seed(0)
    labels = torch.randint(0, WORDS, (ROWS, TOKENS))
    labels[:, :PROMPT] = losses.IGNORE
    return Numbers(
        labels=labels,
        ids=torch.randint(0, WORDS, (ROWS, TOKENS)),
        student=torch.randn(ROWS, TOKENS, WORDS),
        mentor=torch.randn(ROWS, TOKENS, WORDS),
        states=torch.randn(3, 2, 16),
    )


def formula(name):
    """The expression of the README's loss block."""
    page = (packaged_dir("recipes") / name / "README.md").read_text()
    [expression] = LOSS_BLOCK.findall(page)
    return expression


# -- the formula, from definitions ----------------------------------------------------------------


def mean(values):
    return sum(values) / len(values)


def softmax(logits):
    total = sum(math.exp(logit) for logit in logits)
    return [math.exp(logit) / total for logit in logits]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


class Lessons(list):
    """The lessons of one kind; `[teacher]` gives those of one teacher."""

    def __init__(self, kind, among):
        super().__init__(row for row in among if LESSONS[row][0] == kind)

    def __getitem__(self, teacher):
        return [row for row in self if LESSONS[row][1] == teacher]


class Definitions:
    """The words of a formula over some lessons: CE, KL, LM, as the papers define them."""

    def __init__(self, numbers, lessons):
        self.labels = numbers.labels.tolist()
        self.ids = numbers.ids.tolist()
        self.student = numbers.student.double().tolist()
        self.mentor = numbers.mentor.double().tolist()
        self.lessons = lessons

    def positions(self, lessons):
        """(lesson, position) of each token whose next one is taught."""
        taught = []
        for row in lessons:
            for at in range(TOKENS - 1):
                if self.labels[row][at + 1] != losses.IGNORE:
                    taught.append((row, at))
        return taught

    def surprise(self, row, at, word):
        """-log p of the word that follows a position."""
        return -math.log(softmax(self.student[row][at])[word])

    def ce(self, lessons):
        taught = self.positions(lessons)
        return mean([self.surprise(row, at, self.labels[row][at + 1]) for row, at in taught])

    def kl(self, q, p):
        divergences = []
        for row, at in self.positions(self.lessons):
            pairs = zip(softmax(q[row][at]), softmax(p[row][at]), strict=True)
            divergences.append(sum(a * math.log(a / b) for a, b in pairs))
        return mean(divergences)

    def lm(self, prompt_weight):
        weighted = []
        for row in self.lessons:
            for at in range(TOKENS - 1):
                label = self.labels[row][at + 1]
                if label == losses.IGNORE:
                    word = self.ids[row][at + 1]
                    weighted.append(prompt_weight * self.surprise(row, at, word))
                else:
                    weighted.append(self.surprise(row, at, label))
        return mean(weighted)


def written(name, numbers, lessons):
    """The value of a README's formula, a mean over triplets where it names one."""
    definitions = Definitions(numbers, lessons)
    words = {
        "__builtins__": {},
        "CE": definitions.ce,
        "KL": definitions.kl,
        "LM": definitions.lm,
        "cos": cosine,
        "max": max,
        "sum": sum,
        "mentor": definitions.mentor,
        "student": definitions.student,
        "teachers": TEACHERS,
        **{kind: Lessons(kind, lessons) for kind in KINDS},
    }
    values = []
    for triplet in numbers.states.double().transpose(0, 1).tolist():
        anchor, positive, negative = triplet
        states = {"anchor": anchor, "positive": positive, "negative": negative}
        values.append(eval(formula(name), words | states))
    return mean(values)


# -- the code ------------------------------------------------------------------------------------


class Terms:
    """Sums, counts and weights of a loss's terms, as the trainer collects them."""

    def __init__(self):
        self.sums = {}
        self.counts = {}
        self.weights = {}

    def add(self, name, weight, values):
        self.sums[name] = self.sums.get(name, torch.zeros(())) + values.sum()
        self.counts[name] = self.counts.get(name, 0) + len(values)
        self.weights[name] = weight


def named_term(step, row):
    """(name, weight) of the mean that a lesson's tokens belong to, None when the step does not
    teach it.
    """
    kind, teacher = LESSONS[row]
    return mean_of(step, lesson(kind=kind, teacher=teacher))


def token_losses(numbers, row):
    """The loss of each taught token of a lesson."""
    keep = losses.predicts(numbers.labels)[row]
    words = numbers.labels[row].roll(-1)[keep]
    return losses.cross_entropy(numbers.student[row][keep], words)


def language_model_losses(numbers, row, prompt_weight):
    """The loss of each token of one lesson, those of its prompt at their weight."""
    labels = numbers.labels[row : row + 1]
    words = torch.where(labels == losses.IGNORE, numbers.ids[row : row + 1], labels)[0]
    per_token = losses.cross_entropy(numbers.student[row, :-1], words[1:])
    return per_token * losses.token_weights(labels, torch.tensor([[prompt_weight]]))[0, 1:]


def divergences(numbers, lessons):
    """The divergence at each taught token, from a label that holds the whole vocabulary."""
    keep = losses.predicts(numbers.labels)[lessons]
    ids = torch.arange(WORDS).expand(int(keep.sum()), WORDS)
    mentor = numbers.mentor[lessons][keep].log_softmax(-1)
    nothing_outside = torch.full((len(mentor), 1), -torch.inf)
    label = torch.cat([mentor, nothing_outside], 1)
    return losses.divergence(numbers.student[lessons][keep], ids, label, 1.0)


def computed(step, numbers, lessons):
    """What `localfair.training.losses` makes of the same numbers with the step's own terms and
    weights.
    """
    terms = Terms()
    prompt_weights = [term.prompt_weight for term in step.loss if isinstance(term, LanguageModel)]
    for row in lessons:
        name, weight = named_term(step, row)
        if prompt_weights:
            terms.add(name, weight, language_model_losses(numbers, row, prompt_weights[0]))
        else:
            terms.add(name, weight, token_losses(numbers, row))
    for term in step.loss:
        if isinstance(term, Divergence):
            terms.add("kl", term.weight, divergences(numbers, lessons))
        if isinstance(term, Triplet):
            terms.add("triplet", term.weight, losses.triplet(*numbers.states))
    return float(losses.weighted_terms(terms.sums, terms.counts, terms.weights))


def last_train_step(name, folder, *settings):
    """The last step that trains the student."""
    steps = [step for _, step in load_recipe(name, folder, settings).steps()]
    return [step for step in steps if isinstance(step, Train) and step.role == "student"][-1]


@pytest.mark.parametrize("name", NAMES)
def test_the_readmes_formula_is_the_loss_that_is_computed(name, numbers, tmp_path):
    step = last_train_step(name, tmp_path)
    lessons = [row for row in range(ROWS) if named_term(step, row)]
    expected = written(name, numbers, lessons)
    assert computed(step, numbers, lessons) == pytest.approx(expected, rel=1e-5)


def test_a_weight_of_its_own_for_each_teacher(tmp_path):
    step = last_train_step("tinyllm", tmp_path, "train.loss.rationale.weights=[0.1, 3]")
    terms = [named_term(step, row) for row in (1, 2, 3)]
    assert terms == [("rationale:0", 0.1), ("rationale:1", 3.0), ("answer", 1.0)]


def test_every_recipe_shows_its_formula():
    assert len(NAMES) >= 8
    assert all(formula(name) for name in NAMES)
