"""A chat template's text to a prompt's text, in a process of its own with little memory and time.

A template is a program that came with somebody's weights. `template_child` runs it in Jinja's
sandbox, `machine/limited` holds that process to its limits. Reads and writes nothing else; knows
nothing of tokens and roles.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from localfair.machine.limited import LimitedProcess, TemplateFault

__all__ = ["TemplateFault", "compiles", "rendered"]

_renderer = LimitedProcess(Path(__file__).with_name("template_child.py"))


def compiles(template: str) -> None:
    """Raise TemplateFault when the text is no Jinja."""
    _renderer.ask({"template": template})


def rendered(template: str, values: Mapping[str, Any], day: date) -> str:
    """The template's text for `values`; `day` is what its `strftime_now` writes.

    Raises TemplateFault.
    """
    question = {"template": template, "values": dict(values), "date": day.isoformat()}
    text: str = _renderer.ask(question)["text"]
    return text
