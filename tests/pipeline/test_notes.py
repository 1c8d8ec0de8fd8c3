"""What is said of models when a run begins: the day that templates write, and thinking that will be cut."""

from __future__ import annotations

import json
from datetime import date

import pytest

from localfair.pipeline.plan import plan
from localfair.record.store import Store
from tests import tiny

FIRST = date(2026, 3, 9)
NEXT = date(2026, 3, 10)
DATED = (
    "{{ '<|im_start|>system\nToday is ' + strftime_now('%d %b %Y') + '<|im_end|>\n' }}"
    + tiny.CHATML
)


def carded(lab, **more):
    """The tiny student behind a card of the workspace."""
    keys = {"name": "carded", "family": "tiny", "format": "safetensors", "file": "carded"}
    keys |= {"path": lab.student, **more}
    (lab.folder / "models").mkdir(exist_ok=True)
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    (lab.folder / "models" / "carded.toml").write_text(text)
    return "carded"


def exam(lab, day, template=DATED, **options):
    """Sit the first exam on a day; how many replies were asked for, and what was said."""
    lab.lines.clear()
    student = carded(lab, chat_template=template)
    lab.run(until="before", student=student, test_limit=2, train_limit=2, today=day, **options)
    steps = lab.rows(STEPS)
    return steps[-1]["calls"], [line for line in lab.lines if "writes the date" in line]


STEPS = "SELECT s.calls FROM run_steps s JOIN runs r ON r.id = s.run ORDER BY r.started, s.position"


# -- the day ----------------------------------------------------------------------------------------


def test_tomorrow_a_finished_run_with_a_dated_template_asks_nothing(lab):
    calls, said = exam(lab, FIRST)
    assert calls > 0
    assert said == [
        "the chat template of carded writes the date: 2026-03-09 in this record (--date sets another)"
    ]
    assert exam(lab, NEXT) == (0, said)


def test_another_day_that_is_asked_for_is_another_prompt_and_stays_the_records(lab):
    first, _ = exam(lab, FIRST)
    again, said = exam(lab, NEXT, date=NEXT)
    assert again == first
    assert "2026-03-10" in said[0]
    assert exam(lab, date(2026, 4, 1))[0] == 0
    assert exam(lab, NEXT, date=FIRST)[0] == 0


def test_a_template_without_a_date_has_the_same_requests_on_every_day_and_no_day_is_kept(lab):
    calls, said = exam(lab, FIRST, tiny.CHATML)
    assert calls > 0
    assert said == []
    assert exam(lab, NEXT, tiny.CHATML, date=NEXT) == (0, [])
    with Store.open(lab.db) as store:
        assert store.template_date() is None


def test_lessons_have_the_day_of_the_exams(lab):
    student = carded(lab, chat_template=DATED)
    lab.run(until="before", student=student, train_limit=2, test_limit=2, today=FIRST)
    shown = lab.preview(student=student, train_limit=2, today=NEXT)
    assert shown
    assert all("Today is 09 Mar 2026" in lesson for lesson in shown)


def test_another_day_is_another_adapter(lab):
    student = carded(lab, chat_template=DATED)
    first = lab.run(student=student, train_limit=3, today=FIRST)
    same = lab.run(student=student, train_limit=3, today=NEXT)
    other = lab.run(student=student, train_limit=3, date=NEXT)
    assert first["adapter"]["id"] == same["adapter"]["id"] != other["adapter"]["id"]


# -- thinking ---------------------------------------------------------------------------------------


def warnings(order):
    return plan(order).notes


def test_a_model_that_thinks_is_warned_of_where_its_limit_is_short(lab):
    order = lab.order(student=carded(lab, thinks=True))
    (warning,) = warnings(order)
    assert warning.startswith(
        "warning: carded thinks before it answers, and the 8 tokens of before"
    )


@pytest.mark.parametrize(
    "setting",
    ["sampling.max_tokens=2048", "sampling.enable_thinking=false"],
)
def test_tokens_enough_or_no_thinking_need_no_warning(lab, setting):
    steps = ("before", "exam", "after")
    settings = tuple(f"{step}.{setting}" for step in steps)
    assert warnings(lab.order(settings=settings, student=carded(lab, thinks=True))) == []


def test_a_card_may_switch_thinking_off_and_a_recipe_on_again(lab):
    student = carded(lab, thinks=True, enable_thinking=False)
    assert warnings(lab.order(student=student)) == []
    on = ("exam.sampling.enable_thinking=true",)
    (warning,) = warnings(lab.order(settings=on, student=student))
    assert "the 8 tokens of exam" in warning


def test_a_run_says_it_when_it_begins(lab):
    lab.run(until="before", student=carded(lab, thinks=True), train_limit=1, test_limit=1)
    assert [line for line in lab.lines if "thinks before it answers" in line]


def test_whether_to_think_is_part_of_a_request_only_where_it_is_said(lab):
    short = {"until": "before", "train_limit": 2, "test_limit": 2}
    lab.run(student=carded(lab), **short)
    lab.run(student=carded(lab, thinks=True), **short)
    assert lab.rows(STEPS)[-1]["calls"] == 0
    lab.run(student=carded(lab), settings=("before.sampling.enable_thinking=false",), **short)
    assert lab.rows(STEPS)[-1]["calls"] > 0
    lab.run(student=carded(lab, enable_thinking=False), **short)
    assert lab.rows(STEPS)[-1]["calls"] > 0


def test_lessons_are_asked_as_the_exams_were(lab):
    template = tiny.CHATML + "{% if enable_thinking is defined %}{{ enable_thinking }}: {% endif %}"
    student = carded(lab, chat_template=template)
    settings = ("exam.sampling.enable_thinking=false",)
    shown = lab.preview(*settings, student=student, train_limit=2)
    assert shown
    assert all("assistant\nFalse: ⟦" in lesson for lesson in shown)
