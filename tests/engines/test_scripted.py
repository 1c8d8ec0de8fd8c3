"""The scripted engine: which rule answers, and what it counts."""

import math
from dataclasses import replace

import pytest

from localfair.engines import open_engine
from localfair.errors import CorruptWeights
from localfair.models import load_script
from localfair.record.nouns import Message
from tests.engines.asking import asked, logprobs, scoring, texts


@pytest.fixture
def opened(tmp_path):
    """`opened(rules)`: the engine of a script with these rules."""

    def make(rules):
        path = tmp_path / "some.script.toml"
        path.write_text(rules)
        return open_engine("scripted", load_script(path))

    return make


def test_the_first_rule_that_matches_answers_with_the_patterns_groups(opened):
    engine = opened('[[rule]]\nwhen = "in (\\\\d+) box"\nreply = "It is \\\\1."\n')
    assert texts(engine, asked(2)) == {"q0": "It is 0.", "q1": "It is 1."}


def test_a_rule_looks_at_all_messages_together(opened):
    engine = opened('[[rule]]\nwhen = "be short.*pens"\nreply = "ok"\n')
    (request,) = asked(1)
    request = replace(request, messages=(Message("system", "be short"), *request.messages))
    assert texts(engine, [request]) == {"q0": "ok"}


def test_the_seed_chooses_among_replies(opened):
    engine = opened('[[rule]]\nwhen = ""\nreplies = ["a", "b"]\n')
    assert list(texts(engine, asked(4)).values()) == ["a", "b", "a", "b"]


def test_continuations_without_a_score_are_equally_likely(opened):
    engine = opened('[[rule]]\nwhen = ""\n[rule.scores]\n4 = -0.1\n')
    (scores,) = logprobs(engine, scoring(asked(1), "4", "5")).values()
    assert scores == (-0.1, -math.log(2))


def test_a_request_that_no_rule_matches_is_told_with_its_text(opened):
    engine = opened('[[rule]]\nwhen = "never"\nreply = "x"\n')
    with pytest.raises(CorruptWeights, match="no rule of script 'some' matches: 'How many"):
        texts(engine, asked(1))


def test_calls_and_loads_are_counted(opened):
    engine = opened('[[rule]]\nwhen = ""\nreply = "x"\n')
    texts(engine, asked(3))
    texts(engine, asked(2))
    assert (engine.calls, engine.loads) == (5, 1)
    engine.close()
    texts(engine, asked(1))
    assert (engine.calls, engine.loads) == (6, 2)
