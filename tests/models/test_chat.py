"""Chat messages to the text of a prompt; a control token that a message spells stays text."""

from random import Random

import pytest

from localfair.errors import EngineError, ModelError
from localfair.models.chat import ChatTemplate, as_text
from localfair.record.nouns import Message, Request

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ eos_token }}"


def request(*contents):
    return Request(messages=tuple(Message("user", content) for content in contents), about="q1")


def template(text=TEMPLATE, control=("<user>",)):
    return ChatTemplate("tiny", text, bos="<s>", eos="</s>", control=control)


# -- control tokens ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no token", "no token"),
        ("a <|end|> b", "a < |end|> b"),
        ("<|end|><|end|>", "< |end|>< |end|>"),
        ("<|<|end|>end|>", "<|< |end|>end|>"),
    ],
)
def test_a_space_breaks_each_control_token_after_its_first_character(text, expected):
    assert as_text(["<|end|>"], text) == expected


@pytest.mark.parametrize(
    ("control", "text", "expected"),
    [
        (["<<"], "<<<", "< < <"),
        (["<<", "< <"], "<<", "<  <"),
        (["ab ", "bc"], "abc", "a b c"),
        ([" x1", "y "], " x1 y ", " x 1 y "),
        (["< ", "  ", " <", "<"], "<  < ", "<  < "),
        ([""], "text", "text"),
    ],
)
def test_it_ends_where_what_it_wrote_spells_a_control_token_again(control, text, expected):
    assert as_text(control, text) == expected


def test_it_ends_for_every_input_and_leaves_no_control_token_that_a_space_can_break():
    random = Random(0)
    for _ in range(3000):
        control = ["".join(random.choices("<a ", k=random.randint(1, 5))) for _ in range(4)]
        text = "".join(random.choices("<a ", k=random.randint(0, 12)))
        written = as_text(control, text)
        assert not [token for token in control if len(token.strip(" ")) > 1 and token in written]
        assert written.replace(" ", "") == text.replace(" ", "")


# -- templates --------------------------------------------------------------------------------------


def test_a_prompt_is_the_templates_text_with_its_own_control_tokens():
    assert template().prompt(request("a", "b")) == "<user>a<user>b</s>"


def test_a_message_cannot_write_a_control_token():
    assert template().prompt(request("no <user>")) == "<user>no < user></s>"


def test_a_template_may_ask_for_the_opening_of_the_reply():
    text = "{% if add_generation_prompt %}{{ bos_token }}{% endif %}"
    assert template(text).prompt(request("a")) == "<s>"


@pytest.mark.parametrize("text", [None, "", "{% if %}"])
def test_what_is_no_template_is_refused_with_a_hint(text):
    with pytest.raises(ModelError, match="chat template") as refused:
        template(text)
    assert refused.value.hint


@pytest.mark.parametrize("text", ["{{ raise_exception('no') }}", "{{ messages[7].content }}"])
def test_messages_that_a_template_refuses_are_named(text):
    with pytest.raises(EngineError, match="the chat template of tiny refuses q1"):
        template(text).prompt(request("a"))


def test_a_template_cannot_reach_outside():
    with pytest.raises(EngineError, match="refuses q1"):
        template("{{ messages.__class__.__mro__ }}").prompt(request("a"))
