"""A recipe's templates, rendered to chat messages; text that a model wrote is fenced.

Reads templates and values, writes nothing. Knows nothing of tasks, models or the store. How a fence
is marked, and what quoted text may not carry, stands in `recipe/fences`.

A turn begins where the template has a `--- role ---` line. The line becomes a Jinja statement
before anything is rendered, so the template alone decides where turns begin: no rendered text is
searched for them, and whatever a question or a reply holds stays text in the turn that quotes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment

from localfair.errors import RecipeError
from localfair.recipe.fences import REVIEW, fenced
from localfair.record.nouns import Message

TURN_LINE = re.compile(r"^--- (system|user|assistant) ---[ \t\r]*$", re.M)
# What a turn line calls; no value of a prompt has such a name.
BEGIN_TURN = "__begin_turn__"
# Jinja collects the text of these and writes it when they end, or where they are called.
COLLECTED = (nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)


@cache  # compare and plan load one recipe many times
def template_problem(source: str) -> str | None:
    """Why a template cannot be rendered, whatever its values, in one line; None when it can."""
    environment = _environment(fence=str)
    try:
        tree = _parsed(environment, source)
        environment.compile(tree)
    except TemplateError as error:
        return str(error.message)
    if _begins_turn_out_of_order(tree):
        return "a turn may begin inside `if` and `for`, not in a macro, a filter or a set block"
    return None


def _environment(fence: Callable[[str], str]) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters["fence"] = fence
    return environment


def _parsed(environment: SandboxedEnvironment, source: str) -> nodes.Template:
    """A template's tree, in which each turn line is a call of BEGIN_TURN."""
    return environment.parse(TURN_LINE.sub(rf'{{% do {BEGIN_TURN}("\1") %}}', source))


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


class Prompts:
    """A recipe's templates by name, and the key of the fences around quoted text."""

    def __init__(self, templates: dict[str, str], fence_key: bytes) -> None:
        self._sources = templates
        self._key = fence_key
        self._compiled: dict[str, Template] = {}

    def fence(self, name: str, text: str) -> str:
        """`text` between the marks that the template of this name puts around it."""
        return fenced(text, name, self._key)

    def texts(self) -> dict[str, str]:
        """The templates' own texts by name, but for those that only reviewers read."""
        return {name: text for name, text in self._sources.items() if not name.startswith(REVIEW)}

    def render(self, name: str, **values: Any) -> tuple[Message, ...]:
        """The messages of a prompt.

        One user turn, unless the template marks turns with `--- role ---` lines. A turn without
        text is left out. Raises RecipeError when the template names what is not there.
        """
        turns = _Turns()
        try:
            # The template is carried out piece by piece: each belongs to the turn that is open now.
            for piece in self._template(name).generate({**values, BEGIN_TURN: turns.begin}):
                turns.write(piece)
        except TemplateError as error:
            raise RecipeError(f"prompts/{name}.md: {error}", "mend the template") from error
        return turns.messages()

    def _template(self, name: str) -> Template:
        if name not in self._compiled:
            environment = _environment(fence=partial(self.fence, name))
            tree = _parsed(environment, self._sources[name])
            self._compiled[name] = environment.from_string(tree)
        return self._compiled[name]


class _Turns:
    """The turns of one prompt, as they are rendered."""

    def __init__(self) -> None:
        self._turns: list[tuple[str, list[str]]] = [("user", [])]

    def begin(self, role: str) -> None:
        """End the open turn and begin one of this role."""
        self._turns.append((role, []))

    def write(self, text: str) -> None:
        """Add text to the open turn."""
        self._turns[-1][1].append(text)

    def messages(self) -> tuple[Message, ...]:
        """Each turn that has text, without the space around it."""
        contents = [(role, "".join(pieces).strip()) for role, pieces in self._turns]
        return tuple(Message(role, content) for role, content in contents if content)
