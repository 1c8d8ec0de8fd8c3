"""What a soft label is: a mentor's top k and the rest's mass, of a lesson's exact tokens."""

import math

import pytest
import torch

from localfair.models.chat import load_tokenizer
from localfair.models.loading import load_causal_lm
from localfair.record.nouns import Message
from localfair.training.encode import Encoded, encode
from localfair.training.losses import IGNORE, divergence
from localfair.training.soft_labels import Soft, shared_vocabulary, soften, tokens_id
from tests import tiny


@pytest.fixture(scope="module")
def mentor(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("mentor"), seed=7)


@pytest.fixture(scope="module")
def encoded():
    """Two lessons of unequal length."""
    prompt = (Message("user", "How many pens?"),)
    replies = ("There are 12 pens.", "There are " + "12 " * 9 + "pens.")
    return [encode(tiny.tokenizer(), prompt, reply, 256) for reply in replies]


def log_distribution(model, lesson, tau):
    """The model's own over all ids, at the positions before the lesson's label tokens, in float64."""
    logits = model(input_ids=torch.tensor([lesson.input_ids])).logits[0]
    before = [at - 1 for at, label in enumerate(lesson.labels) if label != IGNORE]
    return (logits[before].double() / tau).log_softmax(-1), logits[before]


@torch.no_grad()
def test_with_k_the_vocabulary_the_loss_is_that_of_a_resident_mentor(mentor, tiny_student, encoded):
    teacher = load_causal_lm(mentor, "fp32").eval().cpu()
    student = load_causal_lm(tiny_student, "fp32").eval().cpu()
    size = teacher.config.vocab_size
    labels = soften(teacher, encoded, k=size, vocabulary=size, tau=2.0)
    for lesson, soft in zip(encoded, labels, strict=True):
        q, _ = log_distribution(teacher, lesson, 2.0)
        p, logits = log_distribution(student, lesson, 2.0)
        resident = (q.exp() * (q - p)).sum(-1)
        from_labels = divergence(logits, *soft.tensors(), 2.0)
        assert torch.allclose(from_labels.double(), resident, atol=2e-3)


def test_a_padded_output_layer_changes_no_soft_label(mentor, encoded):
    model = load_causal_lm(mentor, "fp32").eval().cpu()
    words = model.config.vocab_size
    plain = list(soften(model, encoded, k=8, vocabulary=words, tau=1.0))
    model.resize_token_embeddings(words + 24, mean_resizing=False)
    with torch.no_grad():
        # ids that no token has would win
        model.lm_head.weight[words:] = model.lm_head.weight[:24] * 9
    assert list(soften(model, encoded, k=8, vocabulary=words, tau=1.0)) == plain


def test_a_lesson_is_known_by_its_tokens_and_labels_and_not_by_its_place(encoded):
    lesson, other = encoded
    same = Encoded(lesson.input_ids, lesson.labels)
    all_labels = Encoded(lesson.input_ids, lesson.input_ids)
    assert tokens_id(lesson) == tokens_id(same)
    assert len({tokens_id(lesson), tokens_id(other), tokens_id(all_labels)}) == 3


def test_the_id_that_records_hold_never_changes():
    # soft labels of earlier versions are found by it
    assert tokens_id(Encoded((1, 5, 2), (IGNORE, 5, 2))) == "b2:eb36d290cfe9e7857809beb6124fe6af"


def soft_of(indices, probabilities):
    ids = torch.tensor(indices, dtype=torch.int32)
    logprobs = torch.tensor(probabilities).log().half()
    return Soft(ids.shape[1], ids.numpy().tobytes(), logprobs.numpy().tobytes())


def test_what_is_stored_reads_back_with_the_rest_in_the_last_column():
    indices, logprobs = soft_of([[3, 1]], [[0.5, 0.25, 0.25]]).tensors()
    assert indices.tolist() == [[3, 1]]
    assert logprobs.exp().tolist()[0] == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)


def test_labels_have_an_identity_of_ids_and_values():
    soft = soft_of([[3, 1]], [[0.5, 0.25, 0.25]])
    assert soft.id == soft_of([[3, 1]], [[0.5, 0.25, 0.25]]).id
    others = [
        soft_of([[3, 2]], [[0.5, 0.25, 0.25]]),
        soft_of([[3, 1]], [[0.5, 0.3, 0.2]]),
        Soft(1, soft.indices, soft.logprobs),
    ]
    assert soft.id not in [other.id for other in others]


def test_no_mass_outside_is_minus_infinity(mentor, encoded):
    model = load_causal_lm(mentor, "fp32").eval().cpu()
    (soft, _) = soften(model, encoded, k=999, vocabulary=300, tau=1.0)
    _, logprobs = soft.tensors()
    assert soft.top_k == 300  # k is never more than the shared ids
    assert logprobs[:, -1].tolist() == [-math.inf] * len(logprobs)


def test_the_same_words_at_the_same_ids_are_one_vocabulary(mentor, tiny_student):
    shared = shared_vocabulary(load_tokenizer(mentor))
    assert shared == shared_vocabulary(load_tokenizer(tiny_student))
    other = tiny.tokenizer()
    other.add_tokens(["glorp"])
    assert shared_vocabulary(other)[0] != shared_vocabulary(tiny.tokenizer())[0]
