"""The process that renders a recipe's prompts: what a recipe says runs here and not in localfair.

Run with limits (`machine/limited_child`). A line on stdin is a JSON object with `template`, and to
render it `name`, `key` (of the fences, in hexadecimal) and `values`; the line on stdout that
answers has `turns`, a list of [role, text], or `problem` (`template` for what no values can mend,
`refusal` when it raises, `limit` when it wants too much) and `said`. Reads and writes nothing else;
knows nothing of tasks and models.

A turn begins where the template has a `--- role ---` line. The line becomes a Jinja statement
before anything is rendered, so the template alone decides where turns begin: no rendered text is
searched for them, and whatever a question or a reply holds stays text in the turn that quotes it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment

from localfair.machine.limited_child import bounded, problem_of, serve
from localfair.recipe.fences import fenced

COMPILED = 64  # templates that are kept compiled
LONGEST = 4 * 2**20  # characters of a prompt; no context of today holds as many (ours)
TURN_LINE = re.compile(r"^--- (system|user|assistant) ---[ \t\r]*$", re.M)
# What a turn line calls; no value of a prompt has such a name.
BEGIN_TURN = "__begin_turn__"
# Jinja collects the text of these and writes it when they end, or where they are called.
COLLECTED = (nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)


class Turns:
    """The turns of one prompt, as they are rendered."""

    def __init__(self) -> None:
        self._turns: list[tuple[str, list[str]]] = [("user", [])]

    def begin(self, role: str) -> None:
        """End the open turn and begin one of this role."""
        self._turns.append((role, []))

    def write(self, text: str) -> None:
        """Add text to the open turn."""
        self._turns[-1][1].append(text)

    def texts(self) -> list[tuple[str, str]]:
        """(role, text) of each turn that has text, without the space around it."""
        texts = [(role, "".join(pieces).strip()) for role, pieces in self._turns]
        return [(role, text) for role, text in texts if text]


@lru_cache(maxsize=COMPILED)
def compiled(source: str, name: str, key: str) -> Template:
    """The template of this name, ready to render. Raises TemplateError for one that none may be."""
    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    secret = bytes.fromhex(key)
    environment.filters["fence"] = lambda text: fenced(str(text), name, secret)
    if BEGIN_TURN in source:
        raise TemplateError(f"a turn begins with a line `--- user ---`, not with {BEGIN_TURN}")
    tree = environment.parse(TURN_LINE.sub(rf'{{% do {BEGIN_TURN}("\1") %}}', source))
    if _begins_turn_out_of_order(tree):
        raise TemplateError(
            "a turn may begin inside `if` and `for`, not in a macro, a filter or a set block"
        )
    return environment.from_string(tree)


def _begins_turn_out_of_order(tree: nodes.Template) -> bool:
    """Whether a turn begins inside what Jinja collects first and writes later, at some other
    turn.
    """
    collected: list[nodes.Node] = list(tree.find_all(COLLECTED))
    collected += [loop for loop in tree.find_all(nodes.For) if loop.recursive]
    for block in collected:
        names = [name.name for name in block.find_all(nodes.Name)]
        if BEGIN_TURN in names:
            return True
    return False


def rendered(template: Template, values: dict[str, Any]) -> list[tuple[str, str]]:
    """The (role, text) of each turn. Raises OverflowError when they are longer than LONGEST."""
    turns = Turns()
    # The template is carried out piece by piece: each belongs to the turn that is open now.
    for piece in bounded(template.generate({**values, BEGIN_TURN: turns.begin}), LONGEST):
        turns.write(piece)
    return turns.texts()


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a line asks for, or what went wrong with it."""
    problem = "template"
    try:
        template = compiled(question["template"], question.get("name", ""), question.get("key", ""))
        if "values" not in question:
            return {"turns": []}
        problem = "refusal"
        return {"turns": rendered(template, question["values"])}
    except Exception as error:  # whatever a template raises is the template's
        return problem_of(error, problem)


if __name__ == "__main__":
    serve(answer)
