"""The process that renders chat templates: what a model's file says runs here and not in localfair.

Run with limits (`machine/limited_child`). A line on stdin is a JSON object with `template` and, to
render it, `values` and `date` (ISO 8601); the line on stdout that answers has `text`, or `problem`
(`template` when it is no Jinja, `refusal` when it raises, `limit` when it wants too much) and
`said`. Knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from localfair.machine.limited_child import bounded, problem_of, serve

COMPILED = 64  # templates that are kept compiled
LONGEST = 16 * 2**20  # characters of a prompt; no context of today holds as many (ours)


class Generation(Extension):
    """`{% generation %}`: marks what a model wrote, for transformers' training. Here it is text."""

    tags = {"generation"}  # noqa: RUF012 -- as Extension declares it

    def parse(self, parser: Parser) -> nodes.Node:
        """The block's body, in a scope of its own as transformers has it."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

    def _text(self, caller: Callable[[], str]) -> str:
        return caller()


class PlainNamespace(Namespace):
    """Jinja's `namespace`, without names that begin with an underscore."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        # no named parameters: a template may give an attribute any name, `self` included
        self, *rest = args
        attributes = dict(*rest, **kwargs)
        for name in attributes:
            _refuse_underscore(name)
        Namespace.__init__(self, attributes)

    def __setitem__(self, name: str, value: object) -> None:
        _refuse_underscore(name)
        Namespace.__setitem__(self, name, value)


def _refuse_underscore(name: str) -> None:
    if str(name).startswith("_"):
        raise SecurityError(f"a namespace keeps no attribute called {name!r}")


def environment() -> ImmutableSandboxedEnvironment:
    """Jinja as transformers sets it up for chat templates."""
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    sandbox.filters["tojson"] = _tojson
    sandbox.globals["raise_exception"] = _refuse
    sandbox.globals["namespace"] = PlainNamespace
    return sandbox


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


@lru_cache(maxsize=COMPILED)
def compiled(template: str) -> Template:
    """The template, ready to render; compiled once."""
    return environment().from_string(template)


def rendered(template: Template, values: dict[str, Any], date: str) -> str:
    """The template's text. Raises OverflowError when it is longer than LONGEST."""
    day = datetime.fromisoformat(date)
    pieces = template.generate(strftime_now=day.strftime, **values)
    return "".join(bounded(pieces, LONGEST))


def answer(question: dict[str, Any]) -> dict[str, str]:
    """What a line asks for, or what went wrong with it."""
    problem = "template"
    try:
        template = compiled(question["template"])
        if "values" not in question:
            return {"text": ""}
        problem = "refusal"
        return {"text": rendered(template, question["values"], question["date"])}
    except Exception as error:  # whatever a template raises is the template's
        return problem_of(error, problem)


if __name__ == "__main__":
    serve(answer)
