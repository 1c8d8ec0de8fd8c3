"""A template is a program of a stranger: it gives a text, or one line that says why not, soon."""

from __future__ import annotations

import time
from datetime import date

import pytest

from localfair.machine.limited import SECONDS
from localfair.models.templates import TemplateFault, compiles, rendered

DAY = date(2026, 3, 9)


def fault(template: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as raised:
        rendered(template, {"name": "Ann"}, DAY)
    return raised.value


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Dear {{ name }}", "Dear Ann"),
        ("{% generation %}a{{ name }}{% endgeneration %}b", "aAnnb"),
        ("{%- generation -%} a {%- endgeneration -%} b", "ab"),
        ("{{ strftime_now('%d %B %Y, %H:%M') }}", "09 March 2026, 00:00"),
        ("{{ {'b': 'é<', 'a': [1]} | tojson }}", '{"b": "é<", "a": [1]}'),
        ("{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}", '{"a": 2, "b": 1}'),
        ("{{ [1] | tojson(indent=1) }}", "[\n 1\n]"),
        ("{{ 'é' | tojson(ensure_ascii=true) }}", '"\\u00e9"'),
        ("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        (
            "{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
            "02",
        ),
        ("{% if true %}\n  a\n  {% endif %}\nb", "  a\nb"),
        ("{% set ns = namespace(self=1) %}{% set ns.self = 2 %}{{ ns.self }}", "2"),
        ("{{ 'a' ~ undefined_name ~ 'b' }}", "ab"),
    ],
)
def test_it_has_what_transformers_has(template, expected):
    assert rendered(template, {"name": "Ann"}, DAY) == expected


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('roles must\nalternate') }}", "roles must alternate"),
        ("{{ raise_exception() }}", "TypeError: .*"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ name.first.letter }}", ".*has no attribute 'first'"),
        ("{{ 'a' + 1 }}", "TypeError: .*"),
        ("{{ {}['a']['b'] }}", ".*"),
        ("{{ name | nofilter(1) }}", "No filter named 'nofilter'."),
        ("{% include 'other' %}", ".*"),
        ("{{ ().__class__.__bases__ }}", ".*unsafe.*"),
        ("{{ namespace(_hidden=1) }}", ".*'_hidden'"),
        ("{{ messages.append(1) }}", ".*'messages' is undefined"),
        ("{{ '%d' % 'a' }}", "TypeError: .*"),
        ("{{ 'a'.encode().decode('ascii').nothing() }}", ".*"),
    ],
)
def test_whatever_a_template_raises_is_one_line_of_it(template, said):
    import re

    raised = fault(template)
    assert raised.problem in ("refusal", "template")
    assert re.fullmatch(said, raised.said)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{{ 'a' | center(10**9) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ strftime_now('%Y' * 10**9) }}",
        "{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}",
        "{% set ns = namespace(x='a') %}"
        "{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ " + "(" * 20_000,
        "{% if true %}" * 2000 + "{% endif %}" * 2000,
    ],
)
def test_what_grows_without_measure_ends_soon_and_here_nothing_happens(template):
    started = time.monotonic()
    assert fault(template).problem == "limit"
    assert time.monotonic() - started < 60
    assert rendered("{{ name }}", {"name": "Ann"}, DAY) == "Ann"


def test_a_loop_that_never_ends_is_ended_and_the_next_template_renders():
    outer = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    assert fault(outer).said == f"it does not end within {SECONDS} seconds"
    assert rendered("{{ name }}", {"name": "Ann"}, DAY) == "Ann"


def test_many_prompts_together_may_take_longer_than_one_may():
    slow = "{% for i in range(9999) %}{% for j in range(60) %}{% endfor %}{% endfor %}{{ name }}"
    started = time.monotonic()
    while time.monotonic() - started < SECONDS + 2:
        assert rendered(slow, {"name": "Ann"}, DAY) == "Ann"


@pytest.mark.parametrize("template", ["{% if %}", "{% endfor %}", "{{ 'a' ", "{% nothing %}"])
def test_what_is_no_jinja_is_said_before_anything_is_rendered(template):
    with pytest.raises(TemplateFault) as raised:
        compiles(template)
    assert raised.value.problem == "template"
