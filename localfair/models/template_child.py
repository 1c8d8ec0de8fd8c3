"""The process that renders chat templates: what a model's file says runs here and not in localfair.

Run as a script with nothing but the standard library and Jinja: `template_child.py SECONDS BYTES
CHARACTERS`. A line on stdin is a JSON object with `template` and, to render it, `values` and `date`
(ISO 8601); the line on stdout that answers has `text`, or `problem` (`template` when it is no
Jinja, `refusal` when it raises, `limit` when it wants too much) and `said`. SECONDS of processor
time are for each line: the kernel ends the process after them. BYTES are all the memory that it may
have, CHARACTERS the longest text. It ends with its stdin. Knows nothing of models.
"""

from __future__ import annotations

import contextlib
import json
import math
import resource
import sys
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

COMPILED = 64  # templates that are kept compiled


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

    def __setitem__(self, name: str, value: Any) -> None:
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
    value: Any,
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


def rendered(template: Template, values: dict[str, Any], date: str, longest: int) -> str:
    """The template's text. Raises OverflowError as soon as it is longer than `longest`."""
    day = datetime.fromisoformat(date)
    pieces = []
    length = 0
    for piece in template.generate(strftime_now=day.strftime, **values):
        length += len(piece)
        if length > longest:
            raise OverflowError(f"it writes more than {longest} characters")
        pieces.append(piece)
    return "".join(pieces)


def answer(asked: dict[str, Any], longest: int) -> dict[str, str]:
    """What a line asks for, or what went wrong with it."""
    problem = "template"
    try:
        template = compiled(asked["template"])
        if "values" not in asked:
            return {"text": ""}
        problem = "refusal"
        return {"text": rendered(template, asked["values"], asked["date"], longest)}
    except (MemoryError, OverflowError, RecursionError) as error:
        return {"problem": "limit", "said": str(error) or "it asks for too much memory"}
    except Exception as error:  # whatever a template raises is the template's
        if isinstance(error, TemplateError):
            return {"problem": problem, "said": str(error)}
        return {"problem": problem, "said": f"{type(error).__name__}: {error}"}


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, hard))


def main(seconds: int, memory: int, longest: int) -> None:
    """Answer line by line until stdin ends."""
    _limit(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(ValueError):  # macOS takes no such limit: there time alone is one
        _limit(resource.RLIMIT_AS, memory)
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)
        print(json.dumps(answer(json.loads(line), longest)), flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
