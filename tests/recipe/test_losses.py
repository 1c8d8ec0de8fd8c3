"""The formula in a recipe's README and the loss that its train step computes are the same, on numbers.

The formula is evaluated with the plainest definitions there are, in float64 and from the papers; the code with the
very weights that the recipe gives it.
"""

import math
import re
from types import SimpleNamespace

import pytest
import torch

from localfair.machine.workspace import packaged_dir
from localfair.recipe.load import load_recipe
from localfair.recipe.schema import Divergence, LanguageModel, Train, Triplet
from localfair.stages.train_plan import mean_of
from localfair.training import losses

NAMES = sorted(p.parent.name for p in packaged_dir("recipes").glob("*/recipe.toml"))
TEACHERS = (0, 1)
LESSONS = [("feedback", 0), ("rationale", 0), ("rationale", 1), ("answer", None)]
ROWS, TOKENS, WORDS, PROMPT = len(LESSONS), 7, 11, 3


@pytest.fixture(scope="module")
def numbers():
    """Logits of a student and of a mentor over a batch of lessons of all kinds, and states of three rationales."""
    torch.manual_seed(0)
    labels = torch.randint(0, WORDS, (ROWS, TOKENS))
    labels[:, :PROMPT] = losses.IGNORE
    return SimpleNamespace(
        labels=labels, ids=torch.randint(0, WORDS, (ROWS, TOKENS)), student=torch.randn(ROWS, TOKENS, WORDS),
        mentor=torch.randn(ROWS, TOKENS, WORDS), states=torch.randn(3, 2, 16),
    )  # fmt: skip


def formula(name):
    """The expression of the README's loss block."""
    (found,) = re.findall(
        r"^```loss\n(.*?)\n```$",
        (packaged_dir("recipes") / name / "README.md").read_text(),
        re.M | re.S,
    )
    return found


def softmax(row):
    total = sum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def written(name, n, lessons):
    """The formula's value, from definitions: a mean of -log p over tokens, sum q log(q / p), a cosine."""
    student, mentor = n.student.double().tolist(), n.mentor.double().tolist()

    def places(rows):
        return [
            (row, at)
            for row in rows
            for at in range(TOKENS - 1)
            if n.labels[row, at + 1] != losses.IGNORE
        ]

    def ce(rows):
        found = [-math.log(softmax(student[r][t])[n.labels[r, t + 1]]) for r, t in places(rows)]
        return sum(found) / len(found)

    def kl(q, p):
        pairs = [zip(softmax(q[r][t]), softmax(p[r][t]), strict=True) for r, t in places(lessons)]
        return sum(a * math.log(a / b) for pair in pairs for a, b in pair) / len(places(lessons))

    def lm(prompt_weight):
        found = []
        for r in lessons:
            for t in range(TOKENS - 1):
                taught = n.labels[r, t + 1] != losses.IGNORE
                word = n.labels[r, t + 1] if taught else n.ids[r, t + 1]
                found.append(
                    (1 if taught else prompt_weight) * -math.log(softmax(student[r][t])[word])
                )
        return sum(found) / len(found)

    def cos(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(
            sum(x * x for x in a) * sum(y * y for y in b)
        )

    of_kind = {
        kind: [r for r in lessons if LESSONS[r][0] == kind]
        for kind in ("feedback", "rationale", "answer")
    }
    rationale = Taught([[r] for r in of_kind["rationale"]], of_kind["rationale"])
    pairs = [tuple(n.states[:, i].double().tolist()) for i in range(n.states.shape[1])]
    values = [
        eval(formula(name), {
            "__builtins__": {}, "CE": ce, "KL": kl, "LM": lm, "cos": cos, "max": max, "sum": sum,
            "mentor": mentor, "student": student,
            "feedback": of_kind["feedback"], "answer": of_kind["answer"], "rationale": rationale, "teachers": TEACHERS,
            "anchor": anchor, "positive": positive, "negative": negative,
        })
        for anchor, positive, negative in pairs
    ]  # fmt: skip
    return sum(values) / len(values)


class Taught(list):
    """All rationales; by index those of one teacher."""

    def __init__(self, by_teacher, every):
        super().__init__(every)
        self.by_teacher = by_teacher

    def __getitem__(self, teacher):
        return self.by_teacher[teacher]


def computed(step, n, lessons):
    """What `localfair.training.losses` makes of the same numbers with the step's own terms and weights."""
    keep = losses.predicts(n.labels)
    sums, counts, weights = {}, {}, {}

    def add(name, weight, values):
        sums[name] = sums.get(name, torch.zeros(())) + values.sum()
        counts[name] = counts.get(name, 0) + len(values)
        weights[name] = weight

    lm = next((t for t in step.loss if isinstance(t, LanguageModel)), None)
    for row in lessons:
        named = mean_of(step, {"kind": LESSONS[row][0], "teacher": LESSONS[row][1]})
        if lm:
            every = torch.where(n.labels == losses.IGNORE, n.ids, n.labels)[row]
            per_token = losses.cross_entropy(n.student[row, :-1], every[1:])
            scale = losses.token_weights(
                n.labels[row : row + 1], torch.tensor([[lm.prompt_weight]])
            )[0, 1:]
            add(*named, per_token * scale)
        else:
            words = n.labels[row].roll(-1)[keep[row]]
            add(*named, losses.cross_entropy(n.student[row][keep[row]], words))
    for term in step.loss:
        if isinstance(term, Divergence):
            ids = torch.arange(WORDS).expand(int(keep[lessons].sum()), WORDS)
            mentor = n.mentor[lessons][keep[lessons]].log_softmax(-1)
            nothing_outside = torch.full((len(mentor), 1), -torch.inf)
            label = torch.cat([mentor, nothing_outside], 1)
            add(
                "kl",
                term.weight,
                losses.divergence(n.student[lessons][keep[lessons]], ids, label, 1.0),
            )
        if isinstance(term, Triplet):
            add("triplet", term.weight, losses.triplet(*n.states))
    return float(losses.weighted_terms(sums, counts, weights))


@pytest.mark.parametrize("name", NAMES)
def test_the_readmes_formula_is_the_loss_that_is_computed(name, numbers, tmp_path):
    step = [
        s
        for _, s in load_recipe(name, tmp_path).steps()
        if isinstance(s, Train) and s.role == "student"
    ][-1]
    lessons = [
        r
        for r, (kind, teacher) in enumerate(LESSONS)
        if mean_of(step, {"kind": kind, "teacher": teacher})
    ]
    assert computed(step, numbers, lessons) == pytest.approx(
        written(name, numbers, lessons), rel=1e-5
    )


def test_a_weight_of_its_own_for_each_teacher(numbers, tmp_path):
    recipe = load_recipe("tinyllm", tmp_path, ("train.loss.rationale.weights=[0.1, 3]",))
    step = next(s for _, s in recipe.steps() if isinstance(s, Train))
    assert mean_of(step, {"kind": "rationale", "teacher": 0}) == ("rationale:0", 0.1)
    assert mean_of(step, {"kind": "rationale", "teacher": 1}) == ("rationale:1", 3.0)
    assert mean_of(step, {"kind": "answer", "teacher": None}) == ("answer", 1.0)


def test_every_recipe_shows_its_formula():
    assert len(NAMES) >= 8 and all(formula(name) for name in NAMES)
