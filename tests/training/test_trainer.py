"""What stands in a batch, and that the loss of a step is the paper's, by hand in float64 over a whole window."""

from dataclasses import replace

import pytest
import torch

from localfair.models.loading import load_causal_lm
from localfair.training.encode import Contrast, Encoded
from localfair.training.losses import IGNORE
from localfair.training.qlora import train
from localfair.training.soft_labels import Soft
from localfair.training.trainer import Example, collate, counts_of
from tests.training.settings import KD, SETTINGS, losses

ENCODED = Encoded((1, 0, 2, 2), (IGNORE, 0, 2, 2))
SHORT = Encoded((1, 2), (IGNORE, 2))
TAILORED = (("lm", 1.0), ("triplet", 0.5))


def soft_labels(count):
    """A mentor's top one, for `count` label tokens."""
    indices = torch.arange(count, dtype=torch.int32)
    logprobs = torch.zeros(count, 2, dtype=torch.float16)
    return Soft(1, indices.numpy().tobytes(), logprobs.numpy().tobytes())


def test_padding_is_told_by_length_and_not_by_an_id():
    batch = collate([Example(ENCODED, "answer"), Example(SHORT, "answer")], ("answer",))
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORE, 0, 2, 2], [IGNORE, 2, IGNORE, IGNORE]]


def test_a_lesson_has_its_term_and_its_weight():
    examples = [Example(ENCODED, "rationale", weight=0.5), Example(SHORT, "feedback")]
    batch = collate(examples, ("feedback", "rationale"))
    assert batch["term"].tolist() == [1, 0]
    assert batch["weight"].tolist() == [[0.5] * 4, [1.0] * 4]


def test_a_prompt_that_counts_is_learned_at_its_own_weight():
    batch = collate([Example(ENCODED, "lm", weight=2.0, prompt_weight=0.25)], ("lm",))
    assert batch["labels"].tolist() == [[1, 0, 2, 2]]
    assert batch["weight"].tolist() == [[0.5, 2.0, 2.0, 2.0]]


def test_soft_labels_stand_where_replies_of_lessons_that_have_them_do():
    examples = [Example(ENCODED, "answer"), Example(SHORT, "answer", soft=soft_labels(1))]
    batch = collate(examples, ("answer",))
    assert batch["soft"].tolist() == [[False] * 4, [False, True, False, False]]
    assert batch["soft_indices"].tolist() == [[0]]


def test_prompts_of_contrasts_are_padded_on_the_left_and_their_replies_on_the_right():
    contrasts = [Contrast((7,), (1, 2), (3,), (4,)), Contrast((8, 9), (5,), (6,), (1, 2, 3))]
    examples = [Example(SHORT, "lm", contrast=contrast) for contrast in contrasts]
    batch = collate(examples, ("lm",))
    assert batch["prompts"].tolist() == [[0, 7], [8, 9]]
    assert batch["prompt_mask"].tolist() == [[0, 1], [1, 1]]
    assert batch["lengths"].tolist() == [2, 1, 1, 1, 1, 3]
    assert batch["replies"][0].tolist() == [1, 2, 0]


def test_a_batch_without_soft_labels_or_contrasts_has_no_columns_for_them():
    assert set(collate([Example(SHORT, "answer")], ("answer",))) == {
        "input_ids",
        "labels",
        "attention_mask",
        "term",
        "weight",
        "soft",
    }


def test_each_term_counts_its_own_tokens_soft_labels_or_triplets():
    terms = ("feedback", "rationale", "kl", "triplet")
    contrast = Contrast((7,), (1, 2), (3,), (4,))
    examples = [
        Example(ENCODED, "rationale", soft=soft_labels(3)),
        Example(SHORT, "rationale", contrast=contrast),
    ]
    assert counts_of(collate(examples, terms), terms) == [0, 4, 3, 1]


def test_all_that_a_training_reads_of_a_lesson_enters_its_id():
    contrast = Contrast((7,), (1, 2), (3,), (4,))
    example = Example(ENCODED, "rationale", soft=soft_labels(3), contrast=contrast)
    assert replace(example).id == example.id
    changes = [
        {"encoded": replace(ENCODED, labels=(IGNORE, IGNORE, 2, 2))},
        {"term": "feedback"},
        {"weight": 0.5},
        {"prompt_weight": 0.1},
        {"question": "q"},
        {"soft": soft_labels(2)},
        {"soft": None},
        {"contrast": replace(contrast, positive=(9,))},
        {"contrast": None},
    ]
    ids = {replace(example, **change).id for change in changes}
    assert len(ids) == len(changes) and example.id not in ids


# -- the loss of the first step, whose adapter is still zero ----------------------------------------


@pytest.fixture
def exact(base):
    """The base in float64."""
    return load_causal_lm(base, "fp32").double().cpu().eval()


def logits_of(model, encoded):
    with torch.no_grad():
        return model(torch.tensor([encoded.input_ids])).logits[0]


def label_places(encoded):
    return [place for place, label in enumerate(encoded.labels) if label != IGNORE]


def cross_entropy_of(logits, encoded, place):
    """Of the token at `place`, given those before it."""
    return -logits[place - 1].log_softmax(-1)[encoded.input_ids[place]].item()


def test_the_loss_is_that_of_the_terms_over_the_window(base, exact, lessons, tmp_path):
    """The two means of the sixteen lessons in one window."""
    sums = {"feedback": 0.0, "rationale": 0.0}
    counts = {"feedback": 0, "rationale": 0}
    for lesson in lessons:
        logits = logits_of(exact, lesson.encoded)
        for place in label_places(lesson.encoded):
            sums[lesson.term] += cross_entropy_of(logits, lesson.encoded, place)
            counts[lesson.term] += 1
    feedback = sums["feedback"] / counts["feedback"]
    rationale = sums["rationale"] / counts["rationale"]
    terms = (("feedback", 0.3), ("rationale", 0.7))
    settings = replace(SETTINGS, terms=terms, accumulation=8, batch_size=2)
    result = train(base, lessons, tmp_path, settings)
    assert losses(result)[0] == pytest.approx(0.3 * feedback + 0.7 * rationale, rel=1e-5)
    assert result.supervised_tokens == sum(counts.values())


def divergence_of(logits, encoded, soft):
    """The sum over a lesson's label tokens, at temperature 2, the mass outside the top k as one outcome."""
    before = [place - 1 for place in label_places(encoded)]
    p = (logits[before][:, :300] / 2).softmax(-1)
    indices, logprobs = soft.tensors()
    q = logprobs.double().softmax(-1)
    inside = p.gather(1, indices)
    outcomes = torch.cat([inside, 1 - inside.sum(1, keepdim=True)], dim=1)
    return (q * (q.log() - outcomes.log())).sum().item()


def test_mentor_kds_loss_is_the_weighted_sum_of_ce_and_divergence(base, exact, taught, tmp_path):
    ce = 0.0
    kl = 0.0
    tokens = 0
    for lesson in taught:
        logits = logits_of(exact, lesson.encoded)
        places = label_places(lesson.encoded)
        ce += sum(cross_entropy_of(logits, lesson.encoded, place) for place in places)
        kl += divergence_of(logits, lesson.encoded, lesson.soft)
        tokens += len(places)
    settings = replace(SETTINGS, terms=KD, tau=2.0, vocabulary=300, accumulation=2)
    result = train(base, taught, tmp_path, settings)
    assert losses(result)[0] == pytest.approx(0.7 * ce / tokens + 0.3 * kl / tokens, rel=1e-5)


def state_of(model, contrast, reply):
    """The last layer's state at the reply's last token."""
    ids = torch.tensor([[*contrast.prompt, *reply]])
    with torch.no_grad():
        return model.model(input_ids=ids).last_hidden_state[0, -1]


def hinge_of(model, contrast):
    anchor = state_of(model, contrast, contrast.anchor)
    near = torch.cosine_similarity(anchor, state_of(model, contrast, contrast.positive), dim=0)
    far = torch.cosine_similarity(anchor, state_of(model, contrast, contrast.negative), dim=0)
    return max(0.0, 1 - near.item() + far.item())


def tailored(taught):
    """The lessons as tailored learning takes them: every token learned, the prompt's at a tenth."""
    return [replace(lesson, term="lm", prompt_weight=0.1) for lesson in taught]


def test_tailoreds_loss_is_l_lm_plus_half_of_l_cl(base, exact, taught, tmp_path):
    """Every token counts one, the prompt's weigh 0.1."""
    total = 0.0
    tokens = 0
    for lesson in taught:
        logits = logits_of(exact, lesson.encoded)
        for place in range(1, lesson.encoded.length):
            weight = 0.1 if lesson.encoded.labels[place] == IGNORE else 1.0
            total += weight * cross_entropy_of(logits, lesson.encoded, place)
            tokens += 1
    contrasts = [lesson.contrast for lesson in taught if lesson.contrast]
    hinges = [hinge_of(exact, contrast) for contrast in contrasts]
    assert 0 < len(hinges) < len(taught)
    settings = replace(SETTINGS, terms=TAILORED, accumulation=2)
    result = train(base, tailored(taught), tmp_path, settings)
    expected = total / tokens + 0.5 * sum(hinges) / len(hinges)
    assert losses(result)[0] == pytest.approx(expected, rel=1e-5)
