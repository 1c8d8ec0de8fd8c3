"""How many calls may fail, and what is said of those that did."""

import pytest

from localfair.committee.failures import Failures
from localfair.errors import CallsFailed, PromptTooLong, ReplyError, TooManyFailed
from localfair.record.nouns import EngineIdentity, Generation, Message, Request

ENGINE = EngineIdentity(model="m", fingerprint="f", chat_template="c", engine="scripted")


def request(number):
    return Request(messages=(Message("user", f"Why {number}?"),), about=f"q{number}")


def failing(store, count, total, share=0.1):
    """So many of `total` calls failed."""
    failures = Failures(store, share)
    failures.begin(total, "exam:")
    for number in range(count):
        failures.add(ENGINE, request(number), ReplyError(f"q{number}: no", "try again"))
    return failures


@pytest.mark.parametrize(
    ("failed", "total", "share"), [(3, 3, 0.1), (3, 100, 0.01), (10, 100, 0.1), (5, 5, 1)]
)
def test_a_few_may_fail_in_every_step_and_a_share_of_many(store, failed, total, share):
    failing(store, failed, total, share).refuse_too_many()


@pytest.mark.parametrize(("failed", "total", "share"), [(4, 12, 0.1), (11, 100, 0.1), (1, 9, 0)])
def test_more_than_that_stops_the_step_with_the_last_reason(store, failed, total, share):
    failures = failing(store, failed, total, share)
    with pytest.raises(TooManyFailed) as stopped:
        failures.refuse_too_many()
    assert stopped.value.message == (
        f"exam: {failed} of {total} calls failed, more than --max-failed {share:g} allows; "
        f"the last: q{failed - 1}: no"
    )
    assert (stopped.value.hint, stopped.value.exit_code) == ("try again", 1)


def test_each_step_is_counted_by_itself(store):
    failures = failing(store, 3, 3)
    failures.begin(3, "review:")
    failures.add(ENGINE, request(9), PromptTooLong("too long"))
    failures.refuse_too_many()
    assert failures.missing == 4


def test_a_run_in_which_none_failed_ends_well(store):
    failing(store, 0, 3).refuse_any()


@pytest.mark.parametrize(("count", "words"), [(1, "1 call failed: q0: no"), (3, "3 calls failed")])
def test_a_run_ends_with_their_number_and_the_first_reason(store, count, words):
    with pytest.raises(CallsFailed, match=words) as ended:
        failing(store, count, 20).refuse_any()
    assert ended.value.hint == "try again; the same command asks them again"
    assert ended.value.exit_code == 1


def test_a_call_fails_once_however_often_it_is_told(store):
    failures = failing(store, 1, 3)
    failures.add(ENGINE, request(0), ReplyError("again"))
    assert len(failures.calls) == store.counts()["failed_calls"] == 1


def test_what_cannot_be_stored_is_a_failed_call_with_its_bytes(store):
    fields = {"finish": "stop", "prompt_tokens": 1, "completion_tokens": 1, "seconds": 0.0}
    good = Generation(request=request(0), text="", **fields)
    bad = Generation(request=request(1), text="\udcff", **fields)
    failures = failing(store, 0, 2)
    assert failures.without_unstorable(ENGINE, [good, bad]) == [good]
    row = store.one("SELECT about, raw FROM failed_calls")
    assert (row["about"], row["raw"]) == ("q1", b"\xed\xb3\xbf")
