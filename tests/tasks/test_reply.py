"""A raw reply is split into thinking, answer and run-on; what never came to an answer has none."""

from __future__ import annotations

import pytest

from localfair.tasks.grading import grade
from localfair.tasks.reply import (
    SplitReply,
    answer_of,
    marks_thinking,
    opened_thinking,
    said_once,
    split_reply,
)
from tests.tasks.hostile import seconds


@pytest.mark.parametrize(
    "reply",
    [
        "<think>Maybe 10?</think>The answer is 12.",
        "<thinking>\nMaybe 10?\n</thinking>\n\nThe answer is 12.",
        "<THINK>Maybe 10?</THINK>The answer is 12.",
        "<reasoning>Maybe 10?</reasoning>The answer is 12.",
        "[THINK]Maybe 10?[/THINK]The answer is 12.",
        "<|begin_of_thought|>Maybe 10?<|end_of_thought|>The answer is 12.",
        "◁think▷Maybe 10?◁/think▷The answer is 12.",
        "<seed:think>Maybe 10?</seed:think>The answer is 12.",
        "<|channel|>analysis<|message|>Maybe 10?<|end|><|start|>assistant"
        "<|channel|>final<|message|>The answer is 12.",
        "Here is my thought process: Maybe 10?\nHere is my response: The answer is 12.",
        "Maybe 10?</think>The answer is 12.",
        "<think>I close with </think> at the end. Maybe 10?</think>The answer is 12.",
        "<think>a <think>Maybe 10?</think> b</think>The answer is 12.",
        "<think></think>The answer is 12.",
        "The answer is 12.<think>Maybe 10?</think>",
    ],
)
def test_thinking_is_no_part_of_the_answer(reply):
    answer = answer_of(reply)
    assert answer is not None
    assert answer.strip() == "The answer is 12."


@pytest.mark.parametrize(
    "reply",
    [
        "<think>So the answer is 7. But wait, I need to",
        "<think>",
        "The answer is 12. <think>But wait",
        "<think>a</think> 7 <thinking>b",
        "[THINK]So the answer is 7.",
    ],
)
def test_thinking_that_was_never_closed_leaves_no_answer(reply):
    assert answer_of(reply) is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("#### 12\n\nQuestion: A box has 9 pens. How many?\n#### 9", "#### 12"),
        ("The answer is 12.\n\nQ: And then?\nA: 7", "The answer is 12."),
        ("The answer is 12.\n\n### Problem 2\nAnn has 5.", "The answer is 12."),
        ("The answer is 12.\n**Question 2:** Ann has 5.", "The answer is 12."),
        ("The answer is 12.\n\nHuman: And then?", "The answer is 12."),
        ("The answer is 12.\n\nNext question: And then?", "The answer is 12."),
        ("12\n\nQuestion: Ann has 5 pens.\nAnswer: 7", "12"),
        ("Question: How many?\nAnswer: 12\n\nQuestion: Why?\nAnswer: 7", None),
        ("The answer is 12.<|im_end|>\n<|im_start|>user\nThe answer is 7.", "The answer is 12."),
        ("<|im_start|>assistant\nThe answer is 12.", "The answer is 12."),
        ("The answer is 12.</s> The answer is 7.", "The answer is 12."),
        ("答案是 12。\n问题: 7", "答案是 12。"),
    ],
)
def test_what_a_model_asks_itself_next_is_run_on(reply, answer):
    expected = answer or "Question: How many?\nAnswer: 12"
    assert answer_of(reply).strip() == expected


@pytest.mark.parametrize(
    "reply",
    [
        "Question: How many figs?\nThe answer is 12.",
        "Let me write it down once more.\n\nQuestion: How many figs?\nThe answer is 12.",
        "Here is the problem:\nQuestion: How many figs?\nAnswer: 12",
        "The question is how many. 12.",
    ],
)
def test_the_question_that_was_asked_is_no_run_on(reply):
    assert split_reply(reply) == SplitReply("", reply, "")


def test_the_cut_last_words_of_a_loop_are_no_part_of_the_answer():
    reply = "The answer is 12. The answer is 12. The answer is 12. The answer is 1"
    assert split_reply(reply).answer == "The answer is 12. The answer is 12. The answer is 12."
    reply = "So: the answer is 12 the answer is 12 the answer is 1"
    assert split_reply(reply).answer == "So: the answer is 12 the answer is 12"


def test_a_loop_that_states_nothing_leaves_no_answer():
    assert answer_of("We add 3 to it. We add 3 to it. We add 3 to it. We add") is None


@pytest.mark.parametrize(
    ("answer", "once"),
    [
        ("The answer is 12. The answer is 12. The answer is 12.", "The answer is 12."),
        (
            "So 3 x 4. The answer is 12. The answer is 12. The answer is 12.",
            "So 3 x 4. The answer is 12.",
        ),
        (
            "It is 12.\nCheck it.\nIt is 12.\nCheck it.\nIt is 12.\nCheck it.",
            "It is 12.\nCheck it.",
        ),
        ("the answer is 12 the answer is 12 the answer is 12", "the answer is 12"),
        ("We add. " + "The answer is 12. " * 900, "We add. The answer is 12."),
    ],
)
def test_what_a_loop_repeats_is_said_once(answer, once):
    assert said_once(answer) == once


@pytest.mark.parametrize(
    "answer", ["", "It is 12.", "It is 12. It is 12.", "3 + 3 + 3 + 3", "  a\n"]
)
def test_what_is_no_loop_is_left_as_it_is(answer):
    assert said_once(answer) == answer


@pytest.mark.parametrize("reply", ["5 + 5 + 5 + 5 + 5", "1212121212", "ha ha ha ha ha", ""])
def test_short_repetitions_are_no_loop(reply):
    assert answer_of(reply) == reply


def test_the_pieces_of_a_reply_hold_all_its_words():
    reply = split_reply("<think>4 x 3?</think>The answer is 12.\nQuestion: 7?")
    assert reply == SplitReply("4 x 3?", "The answer is 12.\n", "Question: 7?")


@pytest.mark.parametrize(
    "piece",
    ["<think>", "</think>", "\nQuestion: a\n", "The answer is 1. ", "<|im_end|>", "ab", " "],
)
def test_a_hostile_reply_takes_no_longer_than_its_length_says(piece):
    # ten times the text: about ten times the work, where a quadratic reader does a hundred times
    assert seconds(answer_of, piece * 20_000) < 40 * seconds(answer_of, piece * 2_000)


@pytest.mark.parametrize(
    ("prompt", "opening"),
    [
        ("<|User|>4 x 3?<|Assistant|><think>\n", "<think>\n"),
        ("user\n4 x 3?\nassistant\n<think>", "<think>"),
        ("[INST]4 x 3?[/INST][THINK]", "[THINK]"),
        ("assistant\n◁think▷ ", "◁think▷ "),
        ("assistant<|channel|>analysis<|message|>", "<|channel|>analysis<|message|>"),
        ("assistant\n<think>\n\n</think>\n\n", ""),
        ("What does <think> mean?\nassistant\n", ""),
        ("assistant\n", ""),
        ("", ""),
    ],
)
def test_a_prompt_says_whether_the_reply_goes_on_inside_thinking(prompt, opening):
    assert opened_thinking(prompt) == opening


def test_thinking_that_the_template_opened_and_nobody_closed_leaves_no_answer():
    cut = "Is it 12? The answer is 12. Let me see once"
    assert answer_of(cut) is not None
    assert answer_of(opened_thinking("assistant\n<think>\n") + cut) is None


@pytest.mark.parametrize("token", ["[THINK]", "[/THINK]", "<think>", "◁/think▷", "<|channel|>"])
def test_a_token_that_marks_thinking_is_known(token):
    assert marks_thinking(token)


@pytest.mark.parametrize("token", ["<|im_end|>", "<s>", "think", "<|start|>", ""])
def test_any_other_token_marks_none(token):
    assert not marks_thinking(token)


@pytest.mark.parametrize(
    "text",
    [
        "analysisFour rows of six. The answer is 20?assistantfinal24 seats.",
        '<|channel|>commentary<|message|>20?<|channel|>final <|constrain|>json<|message|>{"answer": 24}',
        "< think >The answer is 20.</ think >24 seats.",
        '<think time="3">The answer is 20.</think>24 seats.',
        "<|thinking|>The answer is 20.<|/thinking|>24 seats.",
        "<analysis>The answer is 20.</analysis>\n<final>24 seats.</final>",
        "<|begin_of_thought|>The answer is 20.<|end_of_thought|>\n"
        "<|begin_of_solution|>24 seats.<|end_of_solution|>",
        "There are 24 seats.\n\nNow, let's solve another problem: Ida has 20 plums.\nThe answer is 20.",
        "The answer is 24.\n\nTask: Ida has 20 plums.\nThe answer is 20.",
        "The answer is 24.<｜end▁of▁sentence｜><｜User｜>And now?<｜Assistant｜>The answer is 20.",
        "<response>24 seats.</response>",
    ],
)
def test_more_ways_to_think_and_to_run_on(text):
    assert grade("number", "24", text).grade.value == "right"


@pytest.mark.parametrize(
    "text",
    [
        "analysisFour rows of six make 24. The answer is 24.",
        "<|channel|>analysis<|message|>Four rows of six. The answer is 24.<|end|>",
        "24 24 24 24 24 24 24 24 24 2",
    ],
)
def test_more_replies_that_never_came_to_an_answer(text):
    assert split_reply(text).answer is None
