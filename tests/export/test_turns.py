"""A chat template becomes a template in Go that writes the same, or is not translated, with a reason."""

import pytest

from localfair.export.turns import NotTranslated, turns_of
from localfair.models.chat_template import ChatTemplate
from localfair.record.nouns import Message
from tests import tiny
from tests.export import go

OPEN = "{% if add_generation_prompt %}"
WITH_DEFAULT = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}"
    "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
    + OPEN
    + "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for m in messages %}{{ '<|head|>' + m.role + '<|/head|>\n\n' }}"
    "{{ m.content | trim }}{{ '<|eot|>' }}{% endfor %}"
    + OPEN
    + "{{ '<|head|>assistant<|/head|>\n\n' }}{% endif %}"
)
ENDED_BY_EOS = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}{% endfor %}"
    + OPEN
    + "{{ '<|assistant|>\n' }}{% endif %}"
)
NO_THINKING = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}" + OPEN + "{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' }}{% endif %}"
)
FOLDED = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('no system') }}{% elif m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"
)
BRACES = (
    "{% for m in messages %}{{ '{{' + m.role + '}} \"\"\"' + m.content + '\\\\\x01\"' }}{% endfor %}"
    + OPEN
    + '{{ \'{{assistant}} """\' }}{% endif %}'
)
TRANSLATED = {
    "chatml": tiny.CHATML,
    "with a default system": WITH_DEFAULT,
    "headers": HEADERS,
    "ended by eos": ENDED_BY_EOS,
    "no thinking": NO_THINKING,
    "folded system": FOLDED,
    "braces and quotes": BRACES,
}
# the system's text stands in the last user's turn, wherever that is
LAST_USER = (
    "{% for m in messages %}{% if m.role == 'user' %}[INST] "
    "{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{% endif %}"
    "{{ m.content }}[/INST]{% elif m.role == 'assistant' %}{{ m.content + eos_token }}{% endif %}"
    "{% endfor %}"
)
NUMBERED = (
    "{% for m in messages %}{{ loop.index ~ m.role ~ ': ' ~ m.content ~ '\n' }}{% endfor %}"
    + OPEN
    + "assistant: {% endif %}"
)
FORGETS = (
    "{% for m in messages[-1:] %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
    + OPEN
    + ("<assistant>{% endif %}")
)
CHATS = (
    ["user"],
    ["system", "user"],
    ["user", "assistant", "user"],
    ["system", "user", "assistant", "user", "assistant", "user"],
)


def asked(template):
    chat = ChatTemplate("tiny", template, bos="<s>", eos="</s>", control=("<s>", "</s>"))
    return lambda messages, opens_reply: chat.text(messages, opens_reply=opens_reply)


@pytest.mark.parametrize("name", TRANSLATED)
def test_the_template_in_go_writes_what_the_chat_template_writes(name):
    render = asked(TRANSLATED[name])
    translated = turns_of(render).as_go()
    for roles in CHATS:
        chat = [
            Message(role, f"{role} says {number}:\nwith {{braces}}")
            for number, role in enumerate(roles)
        ]
        turns = [{"role": message.role, "content": message.content} for message in chat]
        assert go.rendered(translated, turns) == render(chat, True)


def test_a_template_in_go_never_ends_ollamas_quotation():
    assert '"""' not in turns_of(asked(BRACES)).as_go()


@pytest.mark.parametrize("template", [LAST_USER, NUMBERED, FORGETS])
def test_a_template_that_is_not_made_of_turns_is_not_translated(template):
    with pytest.raises(NotTranslated) as refused:
        turns_of(asked(template))
    assert str(refused.value).startswith(("it ", "of a chat"))
