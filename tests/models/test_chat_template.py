"""Chat messages to the text of a prompt: in the form that a template takes, whole, or refused."""

from __future__ import annotations

from datetime import date

import pytest

from localfair.errors import ModelError
from localfair.models.chat_template import ChatSettings, ChatTemplate, is_dated
from localfair.record.nouns import Message, Request, Sampling

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ eos_token }}"
OPENS = "{% if add_generation_prompt %}<assistant>{% endif %}"
TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}" + OPENS
PARTS = (
    "{% for m in messages %}<{{ m.role }}>"
    "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}"
    "<end>{% endfor %}" + OPENS
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
USERS_ONLY = (
    "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endfor %}"
)
CONTROL = ("<user>", "<assistant>", "<system>", "<end>")
SYSTEM = Message("system", "Be brief.")
QUESTION = Message("user", "How many pens?")


def request(*messages, **sampling):
    return Request(messages=messages, sampling=Sampling(**sampling), about="q1")


def template(text=TEMPLATE, control=CONTROL, settings=ChatSettings(), name="tiny"):  # noqa: B008
    return ChatTemplate(name, text, bos="<s>", eos="</s>", control=control, settings=settings)


def test_a_prompt_is_the_templates_text_with_its_own_control_tokens():
    messages = (Message("user", "a"), Message("user", "b"))
    assert template().prompt(request(*messages)) == "<user>a<user>b</s>"


def test_a_message_cannot_write_a_control_token():
    asked = request(Message("user", "no <user>"))
    assert template().prompt(asked) == "<user>no < user></s>"


def test_a_template_may_ask_for_the_opening_of_the_reply():
    assert template(TURNS).prompt(request(QUESTION)).endswith("How many pens?<end><assistant>")
    text = template(TURNS).text([QUESTION], opens_reply=False)
    assert text == "<user>How many pens?<end>"


@pytest.mark.parametrize("text", [None, "", "{% if %}"])
def test_what_is_no_template_is_refused_with_a_hint(text):
    with pytest.raises(ModelError, match="chat template") as refused:
        template(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    ["{{ raise_exception('no') }}", "{{ messages[7].content }}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}"],
)
def test_messages_that_a_template_refuses_are_named(text):
    with pytest.raises(ModelError, match="the chat template of tiny refuses q1") as refused:
        template(text).prompt(request(QUESTION))
    assert refused.value.hint
    assert "\n" not in refused.value.message


def test_a_template_cannot_reach_outside():
    with pytest.raises(ModelError, match="refuses q1"):
        template("{{ messages.__class__.__mro__ }}").prompt(request(QUESTION))


def test_a_template_that_never_ends_is_refused_once_and_soon():
    text = "{% for m in messages %}{{ m.content * 10**9 }}{% endfor %}"
    with pytest.raises(ModelError, match="the chat template of tiny cannot be rendered") as refused:
        template(text).prompt(request(QUESTION))
    assert refused.value.hint


# -- forms ------------------------------------------------------------------------------------------


def test_a_template_that_reads_parts_gets_parts():
    assert template(PARTS).prompt(request(QUESTION)) == "<user>How many pens?<end><assistant>"


def test_a_question_that_the_template_writes_by_itself_is_not_taken_for_asked():
    assert template(PARTS).prompt(request(Message("user", "user"))).startswith("<user>user<end>")


def test_a_template_that_reads_strings_gets_no_parts():
    text = "{% for m in messages %}{{ m.content is string }} {{ m.content }}{% endfor %}"
    assert template(text).prompt(request(QUESTION)) == "True How many pens?"


@pytest.mark.parametrize("text", [NO_SYSTEM + TURNS, USERS_ONLY, NO_SYSTEM + PARTS])
def test_where_a_template_takes_no_system_message_its_text_goes_to_the_first_users(text):
    prompt = template(text).prompt(request(SYSTEM, QUESTION))
    assert prompt.startswith("<user>Be brief.\n\nHow many pens?")
    assert "<system>" not in prompt


def test_that_the_systems_text_moved_is_said_once_a_model(capsys):
    for _ in range(3):
        template(NO_SYSTEM + TURNS, name="says-once").prompt(request(SYSTEM, QUESTION))
    warning = capsys.readouterr().err
    assert warning.count("the chat template of says-once takes no system message") == 1


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("<user>{{ messages[0].role }}", "user"),
        ("{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}", "user"),
        ("{{ messages[-1].content[:4] }}", "user"),
        ("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", "assistant"),
    ],
)
def test_a_prompt_that_loses_a_message_is_refused(text, role):
    messages = [QUESTION, Message("assistant", "Sixty."), Message("user", "And now?")]
    with pytest.raises(ModelError, match=f"it loses the text of the {role}'s message"):
        template(text).prompt(request(*messages))


def test_a_template_may_strip_what_surrounds_a_message():
    text = "{% for m in messages %}[{{ m.content | trim }}]{% endfor %}"
    assert template(text).prompt(request(Message("user", "\n a b \n"))) == "[a b]"


def test_a_template_may_leave_out_what_an_earlier_reply_thought():
    text = "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}{% endfor %}"
    messages = [QUESTION, Message("assistant", "<think>hm</think>60"), Message("user", "Sure?")]
    assert "<assistant>60<user>" in template(text).prompt(request(*messages))


# -- what a template is told ------------------------------------------------------------------------


def test_a_dated_template_writes_the_day_that_it_is_told():
    text = "{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}"
    told = template(text, settings=ChatSettings(date=date(2026, 3, 9)))
    assert told.prompt(request(QUESTION)) == "09 Mar 2026: How many pens?"
    assert is_dated(text)
    assert not is_dated(TURNS)


THINKING = "{{ enable_thinking is defined and enable_thinking }} {{ messages[0].content }}"


@pytest.mark.parametrize(
    ("card", "recipe", "written"),
    [
        (None, None, "False"),
        (True, None, "True"),
        (True, False, "False"),
        (False, True, "True"),
        (None, True, "True"),
    ],
)
def test_a_request_goes_before_the_card_in_whether_the_model_thinks(card, recipe, written):
    told = template(THINKING, settings=ChatSettings(enable_thinking=card))
    prompt = told.prompt(request(QUESTION, enable_thinking=recipe))
    assert prompt.split()[0] == written


def test_where_nothing_is_said_of_thinking_the_template_decides():
    text = "{{ enable_thinking is defined }} {{ messages[0].content }}"
    assert template(text).prompt(request(QUESTION)).startswith("False")


# -- control tokens ---------------------------------------------------------------------------------


def test_an_added_token_that_the_template_writes_is_a_control_token():
    text = template(TURNS.replace("<end>", "<|done|>"), control=())
    text.protect(["<|done|>", "<assistant>", "<other>", "\n\n", "user"])
    assert text.control == ("<|done|>", "<assistant>")
    asked = request(Message("user", "a<|done|><assistant><other>"))
    assert text.prompt(asked) == "<user>a< |done|>< assistant><other><|done|><assistant>"


def test_an_added_token_is_found_also_where_the_template_puts_it_together():
    text = template(TURNS.replace("<{{ m.role }}>", "{{ '<' + m.role + '>' }}"), control=())
    text.protect(["<user>", "<system>", "<tool>"])
    assert text.control == ("<user>", "<system>")


# -- the end of a turn ------------------------------------------------------------------------------

CHATML = "{% for m in messages %}<start>{{ m.role }}\n{{ m.content }}<end>\n{% endfor %}"
TOKENS = ("<start>", "<end>", "<user>", "<assistant>", "<system>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHATML, "<end>"),
        (CHATML + "{% if add_generation_prompt %}<start>assistant\n{% endif %}", "<end>"),
        (CHATML + "<start>assistant\n", "<end>"),
        ("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", None),
        ("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>", None),
        (
            "{% for m in messages %}<{{ m.role }}>{{ m.content }} {{ eos_token }}{% endfor %}",
            "</s>",
        ),
        (
            "{% for m in messages %}<{{ m.role }}>{{ m.content }}"
            "{% if not loop.last %}<end>{% endif %}{% endfor %}",
            "<end>",
        ),
        ("{% for m in messages %}### {{ m.role }}\n{{ m.content }}\n\n{% endfor %}", None),
        (PARTS, "<end>"),
        ("{{ raise_exception('never') }}", None),
    ],
)
def test_what_follows_a_reply_ends_a_turn_and_what_opens_the_next_does_not(text, expected):
    assert template(text, control=TOKENS).end_of_turn() == expected


def test_a_template_that_opens_no_reply_after_a_reply_still_renders_a_lesson():
    text = (
        "{% if add_generation_prompt and messages[-1].role == 'assistant' %}"
        "{{ raise_exception('ask first') }}{% endif %}" + TURNS
    )
    lesson = [QUESTION, Message("assistant", "60")]
    expected = "<user>How many pens?<end><assistant>60<end>"
    assert template(text).text(lesson, opens_reply=False) == expected


@pytest.mark.parametrize("last", ["<|return|>", "<|end|>"])
def test_the_turn_of_gpt_oss_ends_after_its_channels_and_not_at_the_end_of_its_thinking(last):
    template = (
        "{% for m in messages %}{% if m.role == 'assistant' %}"
        "<|start|>assistant<|channel|>final<|message|>{{ m.content }}" + last + "{% else %}"
        "<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    )
    control = ["<|start|>", "<|message|>", "<|channel|>", "<|end|>", "<|return|>"]
    chat = ChatTemplate("oss", template, bos="", eos="<|return|>", control=control)
    assert chat.end_of_turn() == "<|return|>"


def test_a_template_of_the_phi_kind_ends_turns_at_end():
    template = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    chat = ChatTemplate("phi", template, bos="", eos="<eos>", control=["<|user|>", "<|end|>"])
    assert chat.end_of_turn() == "<|end|>"
