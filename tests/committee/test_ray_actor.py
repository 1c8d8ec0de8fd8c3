"""What a node does, without a cluster: it looks at its weights, and a replica answers."""

from dataclasses import replace
from pathlib import Path

import pytest

from localfair import __version__
from localfair.committee.ray_actor import Replica, look, model_here, work_of
from localfair.errors import CorruptWeights, MissingWeights
from localfair.record.nouns import Message, Request, Sampling


@pytest.fixture
def member(seating, script):
    return seating.member("teacher", 0, script("peer"))


def request(text, **options):
    return Request(messages=(Message("user", text),), **options)


def exchanged(replica, requests, count):
    """All that comes of these requests, once there is so much of it."""
    replies = {}
    arrived = replica.exchange(requests, 5)
    replies.update(arrived.replies)
    while len(replies) < count and not arrived.failed and not arrived.error:
        arrived = replica.exchange([], 5)
        replies.update(arrived.replies)
    return replies, arrived


def test_a_replica_answers_and_scores_by_generation_id(member):
    asked = [request(f"Why {number}?") for number in range(3)]
    asked.append(request("best of a", action="score", continuations=("a", "b")))
    replies, _ = exchanged(Replica(work_of(member)), asked, 4)
    assert set(replies) == {each.id(member.identity) for each in asked}
    assert replies[asked[3].id(member.identity)].logprobs == (-0.5, -1.5)


def test_nothing_finished_is_an_empty_answer(member):
    arrived = Replica(work_of(member)).exchange([], 0.01)
    assert (arrived.replies, arrived.failed, arrived.error) == ([], [], None)


def test_a_request_that_fails_by_itself_comes_back_as_failed(member):
    long = request("Why?", sampling=Sampling(max_tokens=2**20))
    _, arrived = exchanged(Replica(work_of(member)), [long], 1)
    ((key, error),) = arrived.failed
    assert key == long.id(member.identity)
    assert "tokens" in error.message


def test_a_replica_with_other_weights_answers_nothing(member):
    replica = Replica(work_of(member))
    work = work_of(member)
    member.model.path.write_text(member.model.path.read_text() + "# changed\n")
    other = Replica(work)
    arrived = other.exchange([request("Why?")], 5)
    assert isinstance(arrived.error, CorruptWeights)
    assert replica is not other


def test_a_nodes_own_folder_goes_before_the_path(member, tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    copy = folder / member.model.path.name
    copy.write_bytes(member.model.path.read_bytes())
    monkeypatch.setenv("LOCALFAIR_WEIGHTS", str(folder))
    assert model_here(member.model).path == copy


def test_weights_that_are_nowhere_are_missing(member):
    gone = replace(member.model, path=Path("/nowhere/peer.script.toml"))
    with pytest.raises(MissingWeights, match="is not there"):
        model_here(gone)


def test_a_look_says_what_a_script_needs(member):
    assert look(work_of(member), __version__, 4).needs.cpus == 1


def test_another_localfair_is_a_problem(member):
    assert "has localfair" in look(work_of(member), "0.0.0", 4).problem


def test_a_safetensors_student_needs_all_processors_and_its_memory(
    seating, tiny_student, monkeypatch
):
    monkeypatch.setenv("PATH", "")  # no tool that tells of a GPU
    needs = look(work_of(seating.member("student", 0, str(tiny_student))), __version__, 6).needs
    assert needs.cpus == 6
    assert needs.memory > 1 << 20
