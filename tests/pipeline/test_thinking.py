"""A teacher that thinks aloud gives the lessons that it gives with its thinking cut off by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from localfair.committee.ask import Committee
from localfair.export.lessons import as_json_lines
from localfair.models.adding import add_endpoint
from localfair.pipeline.prepared import prepare, record_of
from localfair.pipeline.runs import STAGES, begun, do
from localfair.record.store import Store
from tests.engines.stub_server import Stub, models
from tests.lab import Lab, always, quiet, script

THOUGHT = "The student said 1. Perhaps it is 7? I must not say [2]. The answer is 7."
ANSWERS = {
    "score in square brackets": "It holds. [5]",
    "got a question wrong": r"Read the number of the item itself, \1.",
    "": r"Its number is its code. The answer is \1.",
}
ENGINES = ["llama_cpp/gguf", "xllamacpp/gguf", "transformers/bf16", "vllm/bf16", "openai_http/vllm"]


@pytest.fixture
def lab(tmp_path):
    """A laboratory whose scripted student gets each of the 8 train questions wrong."""
    return Lab(tmp_path, Path(always(tmp_path, "student", "The answer is 1.")))


def teachers(lab: Lab, form: str) -> tuple[str, ...]:
    """Three seats of one script whose replies are all of a form: `{thought}` and `{answer}`."""
    rules = ["context = 4000"]
    for when, answer in ANSWERS.items():
        reply = form.format(thought=THOUGHT, answer=answer)
        pattern = rf"{when}.*code of item (\d+)"
        rules.append(f"[[rule]]\nwhen = {json.dumps(pattern)}\nreplies = [{json.dumps(reply)}]")
    return (script(lab.folder, "teacher", "\n".join(rules)),) * 3


def lessons(lab: Lab) -> list[tuple[str, ...]]:
    """What the run of the laboratory teaches: kind, prompt, completion."""
    return lab.tuples(
        "SELECT kind, prompt, completion FROM lessons WHERE dropped IS NULL ORDER BY 1, 2, 3"
    )


@pytest.fixture(scope="module")
def cut_by_hand(tmp_path_factory):
    """The lessons of a committee that never thought."""
    folder = tmp_path_factory.mktemp("cut")
    lab = Lab(folder, Path(always(folder, "student", "The answer is 1.")))
    lab.run(until="select", teachers=teachers(lab, "{answer}"))
    assert len(lessons(lab)) == 16
    return lessons(lab)


@pytest.mark.parametrize(
    "form",
    [
        "<think>\n{thought}\n</think>\n\n{answer}",
        "{thought}\n</think>\n\n{answer}",  # the template wrote the opening tag
        "[THINK]{thought}[/THINK]{answer}",
        "<think>{thought}</think>{answer}\n\nQuestion: And item 12?\nThe answer is 13.",
        "{answer}<|im_end|>\n<|im_start|>user\nAnd item 12?",
    ],
)
def test_lessons_are_those_of_the_answers_alone(lab, form, cut_by_hand):
    lab.run(until="select", teachers=teachers(lab, form))
    assert lessons(lab) == cut_by_hand


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_the_same_whichever_engine_wrote_the_reply(lab, engine, cut_by_hand):
    form = "<think>\n{thought}\n</think>\n\n{answer}"
    prepared = prepare(lab.order(teachers=teachers(lab, form)), until="select")
    members = []
    for member in prepared.members:
        identity = replace(member.identity, engine=engine)
        members.append(replace(member, identity=identity))
    with (
        record_of(prepared) as store,
        begun(prepared, store, Committee(store, members, quiet), quiet) as this,
    ):
        for work, step in this.steps():
            this.did(work, step, do(work, step, STAGES[step.stage], quiet))
    assert set(lab.column("SELECT DISTINCT engine FROM generations")) == {engine}
    assert lessons(lab) == cut_by_hand


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_server_that_tells_thinking_apart_gives_the_same_lessons(lab, field, cut_by_hand):
    def answer(path, body):
        if path != "/v1/chat/completions":
            return (200, models("m")) if path == "/v1/models" else (404, {})
        asked = body["messages"][-1]["content"]
        item = re.search(r"code of item (\d+)", asked)[1]
        said = next(text for when, text in ANSWERS.items() if when in asked)
        message = {"content": said.replace(r"\1", item), field: THOUGHT}
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        return 200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}

    with Stub(answer) as stub:
        add_endpoint(stub.url, "m", lab.folder, name="far")
        lab.run(until="select", teachers=("far",) * 3)
    assert lessons(lab) == cut_by_hand
    raw = lab.column("SELECT DISTINCT text FROM generations WHERE text LIKE '<think>%'")
    assert raw
    assert all(text.startswith(f"<think>\n{THOUGHT}\n</think>\n\n") for text in raw)


def test_the_record_keeps_the_raw_reply_and_reviewers_read_the_answer(lab):
    lab.run(until="review", teachers=teachers(lab, "<think>{thought}</think>{answer}"))
    raw = lab.column("SELECT g.text FROM explanations e JOIN generations g ON g.id = e.generation")
    assert all(text.startswith(f"<think>{THOUGHT}</think>") for text in raw)
    asked = lab.column("SELECT g.messages FROM reviews r JOIN generations g ON g.id = r.generation")
    assert asked
    assert not any("Perhaps it is 7" in messages for messages in asked)


def test_an_export_has_no_thinking(lab):
    found = lab.run(until="select", teachers=teachers(lab, "<think>{thought}</think>{answer}"))
    with Store.open(lab.db) as store:
        exported = as_json_lines(store, found["run"])
    assert exported.count("\n") == 16
    assert "think" not in exported.replace("Think step by step", "")


def test_a_recipe_may_keep_thinking_in_lessons(lab):
    keeps = ("select.thinking=keep",)
    lab.run(
        until="select", settings=keeps, teachers=teachers(lab, "[THINK]{thought}[/THINK]{answer}")
    )
    completions = [completion for _, _, completion in lessons(lab)]
    assert len(completions) == 16
    beginning = f"<think>\n{THOUGHT}\n</think>\n\n"
    assert all(completion.startswith(beginning) for completion in completions)


@pytest.mark.parametrize("finished", ["true", "false"])
def test_thinking_that_was_never_left_is_never_a_lesson(lab, finished):
    loose = (f"review.accept.finished={finished}", "review.accept.answer_check=false")
    lab.run(
        until="select",
        settings=(*loose, "review.mode=none"),
        teachers=teachers(lab, "<think>\n{thought} {answer} But wait, let me"),
    )
    assert set(lab.column("SELECT grade FROM explanations WHERE kind = 'rationale'")) == {
        "unreadable"
    }
    assert set(lab.column("SELECT reason FROM verdicts")) == {"never left its thinking"}
    assert lessons(lab) == []


def test_nor_is_it_where_nobody_reviews(lab):
    unreviewed = ("review.enabled=false",)
    cut = teachers(lab, "<think>\n{thought} {answer} But wait, let me")
    lab.run(until="select", settings=unreviewed, teachers=cut)
    assert lessons(lab) == []
    assert set(lab.column("SELECT dropped FROM lessons")) == {"never left its thinking"}
