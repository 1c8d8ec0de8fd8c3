"""Recorded calls say how fast an engine is: what was decoded at once counts once, a pause not at all."""

import pytest

from localfair.record.nouns import EngineIdentity, Generation, Message, Request
from localfair.record.rates import recorded_rates


def answer(store, number, created, seconds, engine="llama_cpp/gguf"):
    identity = EngineIdentity(model="m", fingerprint="f", chat_template="t", engine=engine)
    request = Request(messages=(Message("user", f"How many? {number}"),))
    generation = Generation(
        request=request,
        text="Three.",
        finish="stop",
        prompt_tokens=100,
        completion_tokens=20,
        seconds=seconds,
    )
    reply = store.add_generation(identity, generation)
    time = f"2026-01-01T00:{created // 60:02}:{created % 60:02}.000+00:00"
    store.db.execute("UPDATE generations SET created = ? WHERE id = ?", [time, reply.id])
    store.db.conn.commit()


def test_a_record_without_calls_has_no_rate(store):
    assert recorded_rates(store) == []


def test_replies_one_after_another_add_up(store):
    for number in range(4):
        answer(store, number, created=10 * (number + 1), seconds=10.0)
    [rate] = recorded_rates(store)
    assert (rate.calls, rate.reply_tokens) == (4, 80)
    assert rate.seconds == pytest.approx(40, abs=0.01)
    assert rate.seconds_for(200, 40) == pytest.approx(20, abs=0.01)


def test_what_was_decoded_at_once_counts_once(store):
    for number in range(4):
        answer(store, number, created=10, seconds=10.0)
    [rate] = recorded_rates(store)
    assert rate.seconds == pytest.approx(10, abs=0.01)


def test_a_pause_between_two_runs_counts_for_nothing(store):
    answer(store, 1, created=5, seconds=5.0)
    answer(store, 2, created=3000, seconds=5.0)
    [rate] = recorded_rates(store)
    assert rate.seconds == pytest.approx(10, abs=0.01)


def test_each_engine_has_its_own_rate(store):
    answer(store, 1, created=5, seconds=5.0)
    answer(store, 2, created=6, seconds=1.0, engine="vllm/bf16")
    assert {rate.engine: round(rate.seconds) for rate in recorded_rates(store)} == {
        "llama_cpp/gguf": 5,
        "vllm/bf16": 1,
    }
