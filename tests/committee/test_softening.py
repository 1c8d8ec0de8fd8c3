"""Soft labels of a mentor: read here, by a replica, and by a cluster's replicas, they are the same."""

import pytest

from localfair.committee.ray_actor import Replica, work_of
from localfair.committee.residents import OneResident
from localfair.committee.seating import Options, Seating
from localfair.committee.softening import SoftRequest
from localfair.record.nouns import Message
from localfair.training.encode import encode
from tests import tiny


@pytest.fixture
def mentor(tmp_path, tiny_student):
    options = Options(batch=2, threads=1, precision="fp32")
    return Seating(tmp_path, 7, options).member("mentor", 0, str(tiny_student))


def lessons(count):
    tokenizer = tiny.tokenizer()
    requests = []
    for number in range(count):
        prompt = (Message("user", f"How many pens are there in {number} boxes?"),)
        encoded = encode(tokenizer, prompt, f"There are {number}.", 256)
        requests.append(SoftRequest(encoded=encoded, k=5, vocabulary=300, tau=2.0))
    return requests


def by_lesson(replies):
    return {reply.request.encoded.id: reply.soft.tensors() for reply in replies}


def are_close(labels, others):
    """Whether the same lessons have the same labels, but for how batches round."""
    assert labels.keys() == others.keys()
    return all(
        (logprobs - others[lesson][1]).abs().max() < 1e-2
        for lesson, (_, logprobs) in labels.items()
    )


def test_a_replica_gives_the_soft_labels_that_its_mentor_gives_here(mentor):
    asked = lessons(3)
    replica = Replica(work_of(mentor))
    replies = []
    arrived = replica.exchange(asked, 30)
    while arrived.error is None and len(replies) < len(asked):
        replies += [reply for _, reply in arrived.replies]
        arrived = replica.exchange([], 1)
    assert arrived.error is None
    assert are_close(by_lesson(replies), by_lesson(OneResident().soften(mentor, asked)))


@pytest.mark.ray
def test_a_cluster_gives_them_from_several_replicas(joined, mentor):
    from localfair.committee.ray_residents import RayResidents

    asked = lessons(6)
    residents = RayResidents(joined)
    there = by_lesson(residents.soften(mentor, asked))
    replicas = residents.replicas(mentor.identity)
    residents.close()
    assert sum(replicas.values()) == 3
    assert are_close(there, by_lesson(OneResident().soften(mentor, asked)))
