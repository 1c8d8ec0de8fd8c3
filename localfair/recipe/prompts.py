"""A recipe's templates, rendered to chat messages; text that a model wrote is fenced.

A template is a program that came with somebody's recipe. `prompt_child` runs it in Jinja's sandbox,
`machine/limited` holds that process to its limits of time, memory and text. Reads templates and
values, writes nothing. Knows nothing of tasks, models or the store. How a fence is marked, and what
quoted text may not carry, stands in `recipe/fences`.
"""

from __future__ import annotations

from pathlib import Path

from localfair.errors import RecipeError
from localfair.machine.files import is_unicode
from localfair.machine.limited import LimitedProcess, TemplateFault
from localfair.recipe.fences import REVIEW, fenced
from localfair.record.nouns import Message

_renderer = LimitedProcess(Path(__file__).with_name("prompt_child.py"))


def compiles(source: str) -> None:
    """Raise TemplateFault for a template that cannot be rendered, whatever its values."""
    _renderer.ask({"template": source})


class Prompts:
    """A recipe's templates by name, and the key of the fences around quoted text."""

    def __init__(self, templates: dict[str, str], fence_key: bytes) -> None:
        self._sources = templates
        self._key = fence_key

    def fence(self, name: str, text: str) -> str:
        """`text` between the marks that the template of this name puts around it."""
        return fenced(text, name, self._key)

    def texts(self) -> dict[str, str]:
        """The templates' own texts by name, but for those that only reviewers read."""
        return {name: text for name, text in self._sources.items() if not name.startswith(REVIEW)}

    def render(self, name: str, **values: object) -> tuple[Message, ...]:
        """The messages of a prompt.

        One user turn, unless the template marks turns with `--- role ---` lines. A turn without
        text is left out. Raises RecipeError when the template names what is not there, does not
        end, or writes what no record can hold.
        """
        question = {
            "template": self._sources[name],
            "name": name,
            "key": self._key.hex(),
            "values": values,
        }
        try:
            turns = _renderer.ask(question)["turns"]
        except TemplateFault as fault:
            raise _refused(name, fault.said) from fault
        messages = tuple(Message(role, text) for role, text in turns)
        for message in messages:
            if not is_unicode(message.content):
                raise _refused(name, "it writes half of a surrogate pair, which is no character")
        return messages


def _refused(name: str, reason: str) -> RecipeError:
    return RecipeError(f"prompts/{name}.md: {reason}", "mend the template")
