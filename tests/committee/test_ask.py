"""Asking a committee: from the record first, then model by model, every reply on disk before the next."""

import pytest

from localfair.committee.ask import PIECE, Call, Committee, Tally, request_seed
from localfair.engines.arrivals import Grouped
from localfair.errors import CorruptWeights, EngineDied, UsageError
from localfair.record.nouns import Generation, Message, Request, Seat


@pytest.fixture
def members(seating, script):
    """A student and two teachers, each a script of its own."""
    student = seating.seat("student", [script("learner")])
    return student + seating.seat("teacher", [script("first"), script("second")])


@pytest.fixture
def committee(store, members):
    committee = Committee(store, members)
    yield committee
    committee.close()


def call(member, text="What?", **options):
    request = Request(messages=(Message("user", text),), **options)
    return Call(member, request, tag=text)


def questions(member, count):
    return [call(member, f"Why {i}?") for i in range(count)]


def replies(committee, calls):
    """(role, question) -> what was replied."""
    texts = {}
    for asked, reply in committee.ask(calls):
        texts[asked.member.seat.role, asked.tag] = reply.text
    return texts


def generations(store):
    return store.counts()["generations"]


# -- seats ------------------------------------------------------------------------------------------


def test_every_members_seat_is_in_the_record(committee, store):
    seats = {row["id"] for row in store.rows("SELECT id FROM seats")}
    assert seats == {member.seat.id for member in committee.members}


def test_the_members_of_a_role_come_by_index(store, members):
    committee = Committee(store, members[::-1])
    assert [member.seat.index for member in committee.of("teacher")] == [0, 1]


def test_a_role_that_nobody_has_is_refused_with_its_option(committee):
    with pytest.raises(UsageError, match="nobody has the role 'mentor'") as refused:
        committee.of("mentor")
    assert refused.value.hint == "name a model with --mentor"


def test_teachers_review_one_another_where_no_reviewer_was_named(committee):
    assert committee.reviewers() == committee.of("teacher")


def test_named_reviewers_review_instead_of_the_teachers(store, members, seating, script):
    named = seating.seat("reviewer", [script("judge")])
    assert Committee(store, members + named).reviewers() == named


def test_a_member_that_sits_with_an_adapter_is_another_seat_in_the_record(
    committee, store, tmp_path
):
    before = committee.of("student")[0]
    committee.seat_adapter("student", "b2:adapter", tmp_path)
    after = committee.of("student")[0]
    assert (after.seat.adapter, after.identity.adapter) == ("b2:adapter", "b2:adapter")
    assert after.seat.id != before.seat.id
    assert store.one("SELECT adapter FROM seats WHERE id = ?", after.seat.id) is not None
    committee.seat_adapter("student", "", tmp_path)
    assert committee.of("student")[0] == before


# -- asking -----------------------------------------------------------------------------------------


def test_each_call_comes_back_with_its_generation(committee, store):
    teacher = committee.of("teacher")[0]
    texts = replies(committee, [call(teacher, "best of a"), call(teacher, "best of b")])
    assert texts["teacher", "best of a"] == "a it is"
    assert texts["teacher", "best of b"] == "b it is"
    assert generations(store) == 2


def test_what_is_in_the_record_is_not_asked_again_and_no_model_is_loaded(store, members):
    calls = questions(members[0], 3) + questions(members[1], 3)
    first = replies(Committee(store, members), calls)
    again = Committee(store, members)
    assert replies(again, calls) == first
    assert again.tally == Tally(calls=0, reused=6, loads=0)


def test_only_what_is_missing_is_asked(committee):
    teacher = committee.of("teacher")[0]
    list(committee.ask([call(teacher, "Why?")]))
    answers = list(committee.ask([call(teacher, "Why?"), call(teacher, "How?")]))
    assert [asked.tag for asked, _ in answers] == ["Why?", "How?"]
    assert (committee.tally.calls, committee.tally.reused) == (2, 1)


def test_the_same_request_twice_is_sent_once_and_answers_both_calls(committee, store):
    teacher = committee.of("teacher")[0]
    answers = list(committee.ask([call(teacher), call(teacher)]))
    assert len(answers) == 2
    assert answers[0][1] == answers[1][1]
    assert generations(store) == committee.tally.calls == 1


def test_each_model_is_loaded_once_however_its_calls_are_mixed(committee):
    first, second = committee.of("teacher")
    calls = [call(first, "a"), call(second, "a"), call(first, "b"), call(second, "b")]
    models = [asked.member.identity.model for asked, _ in committee.ask(calls)]
    assert models == ["first", "first", "second", "second"]
    assert committee.tally.loads == 2


def test_the_model_that_is_loaded_already_goes_first(committee):
    first, second = committee.of("teacher")
    list(committee.ask([call(second, "Before?")]))
    asked = [c.member for c, _ in committee.ask([call(first), call(second)])]
    assert asked == [second, first]
    assert committee.tally.loads == 2


def test_two_seats_of_one_model_share_one_load_and_an_equal_request(store, seating, script):
    path = script("twin")
    one, other = seating.seat("teacher", [path, path])
    committee = Committee(store, [one, other])
    answers = list(committee.ask([call(one), call(other)]))
    assert [asked.member.seat.index for asked, _ in answers] == [0, 1]
    assert (committee.tally.calls, committee.tally.loads) == (1, 1)


def test_scores_and_replies_may_be_asked_for_together(committee):
    teacher = committee.of("teacher")[0]
    scored = call(teacher, "best of a", action="score", continuations=("a", "b"))
    replies = {c.request.action: reply for c, reply in committee.ask([call(teacher), scored])}
    assert replies["score"].logprobs == (-0.5, -1.5)
    assert replies["generate"].text == "one"


def test_scores_from_the_record_are_numbers_again(committee):
    teacher = committee.of("teacher")[0]
    scored = call(teacher, "best of a", action="score", continuations=("a", "b"))
    ((_, fresh),) = committee.ask([scored])
    ((_, recorded),) = committee.ask([scored])
    assert committee.tally.reused == 1
    assert recorded.logprobs == fresh.logprobs == (-0.5, -1.5)


def test_every_reply_is_on_disk_before_the_next_is_awaited(committee, store):
    teacher = committee.of("teacher")[0]
    counts = []
    for _ in committee.ask(questions(teacher, 3)):
        counts.append(generations(store))
    assert counts == [1, 2, 3]


def test_what_was_answered_before_a_failure_is_kept(store, seating, tmp_path):
    path = tmp_path / "narrow.script.toml"
    path.write_text('[[rule]]\nwhen = "^known"\nreply = "yes"\n')
    (teacher,) = seating.seat("teacher", [str(path)])
    committee = Committee(store, [teacher])
    with pytest.raises(CorruptWeights, match="no rule"):
        list(committee.ask([call(teacher, "known"), call(teacher, "unknown")]))
    assert generations(store) == 1


def test_progress_counts_what_the_record_held(store, members):
    teacher = members[1]
    list(Committee(store, members).ask([call(teacher, "Why?")]))
    told = []
    committee = Committee(store, members, lambda *step: told.append(step))
    list(committee.ask([call(teacher, "Why?"), call(teacher, "How?")], "exam:"))
    assert told == [(2, 2, "exam: first")]


def test_more_calls_than_one_look_at_the_record_takes_are_all_found(committee):
    teacher = committee.of("teacher")[0]
    calls = questions(teacher, PIECE + 1)
    list(committee.ask(calls))
    assert len(list(committee.ask(calls))) == PIECE + 1
    assert (committee.tally.calls, committee.tally.reused) == (PIECE + 1, PIECE + 1)


def test_nothing_asked_loads_nothing(committee):
    assert list(committee.ask([])) == []
    assert committee.tally.loads == 0


def test_a_closed_committee_loads_again_when_asked(committee):
    teacher = committee.of("teacher")[0]
    list(committee.ask([call(teacher, "Why?")]))
    committee.close()
    committee.close()
    assert len(list(committee.ask([call(teacher, "How?")]))) == 1
    assert committee.tally.loads == 2


# -- at once, and in the middle ---------------------------------------------------------------------


class Together:
    """An engine that finishes its replies in groups, and may fail in the middle."""

    def __init__(self, identity, groups, error=None):
        self.identity = identity
        self.groups = groups
        self.error = error

    def generate(self, requests):
        return Grouped(self._groups(list(requests)))

    def _groups(self, requests):
        for size in self.groups:
            yield [said(request) for request in requests[:size]]
            requests = requests[size:]
        if self.error:
            raise self.error

    def close(self):
        pass


class Loaded:
    """One engine that is open from the beginning."""

    def __init__(self, engine):
        self._engine = engine

    def has(self, identity):
        return identity == self._engine.identity

    def engine(self, member, failed):
        return self._engine

    def free(self):
        pass


def said(request):
    return Generation(
        request=request,
        text="yes",
        finish="stop",
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.0,
    )


def asking_together(store, member, groups, error=None):
    """A committee whose one model is loaded already, and finishes in groups."""
    engine = Together(member.identity, groups, error)
    return Committee(store, [member], residents=Loaded(engine))


def test_what_finished_together_is_on_disk_before_any_of_it_is_handed_over(store, members):
    committee = asking_together(store, members[1], [3, 1])
    counts = []
    for _ in committee.ask(questions(members[1], 4)):
        counts.append(generations(store))
    assert counts == [3, 3, 3, 4]


def test_what_arrived_is_on_disk_when_whoever_asked_leaves(store, members):
    committee = asking_together(store, members[1], [3, 1])
    for _ in committee.ask(questions(members[1], 4)):
        break
    assert generations(store) == 3


def test_what_arrived_is_on_disk_when_the_engine_dies(store, members):
    committee = asking_together(store, members[1], [2], EngineDied("gone"))
    with pytest.raises(EngineDied, match="gone"):
        list(committee.ask(questions(members[1], 4)))
    assert generations(store) == 2


def test_an_interrupted_write_is_made_good(store, members, monkeypatch):
    committee = asking_together(store, members[1], [3])
    interrupts = iter([KeyboardInterrupt])
    write = store.ensure

    def interrupted(table, rows):
        error = next(interrupts, None) if table == "generations" else None
        if error:
            raise error
        return write(table, rows)

    monkeypatch.setattr(store, "ensure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(committee.ask(questions(members[1], 3)))
    assert generations(store) == 3


def test_a_call_that_fails_by_itself_is_left_out_and_not_asked_again_in_the_run(
    store, seating, tmp_path
):
    path = tmp_path / "narrow.script.toml"
    path.write_text('context = 300\n[[rule]]\nwhen = ""\nreply = "yes"\n')
    (teacher,) = seating.seat("teacher", [str(path)])
    committee = Committee(store, [teacher])
    calls = [call(teacher, "short"), call(teacher, "long " * 400), call(teacher, "brief")]
    for _ in range(2):
        assert [asked.tag for asked, _ in committee.ask(calls)] == ["short", "brief"]
    assert (committee.tally.calls, committee.failures.missing) == (2, 2)
    assert store.first_column("SELECT tries FROM failed_calls") == [1]
    again = Committee(store, [teacher])
    assert len(list(again.ask(calls))) == 2
    assert len(again.failures.calls) == 1


# -- seeds ------------------------------------------------------------------------------------------


def test_a_requests_seed_has_31_bits_and_depends_on_the_seat_and_on_what_it_is_about():
    seat = Seat(role="teacher", index=0, model="m", fingerprint="f")
    other = Seat(role="teacher", index=1, model="m", fingerprint="f")
    seeds = {
        request_seed(seat, question="q1"),
        request_seed(seat, question="q2"),
        request_seed(other, question="q1"),
    }
    assert len(seeds) == 3
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert request_seed(seat, question="q1") in seeds
