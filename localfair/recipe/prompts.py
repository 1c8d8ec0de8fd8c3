"""A recipe's templates, rendered to messages; text that a model wrote is fenced."""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from localfair.errors import RecipeError
from localfair.record.nouns import Message


class Prompts:
    """A recipe's templates, rendered to messages; text a model wrote is fenced."""

    def __init__(self, templates: dict[str, str], fence_key: bytes) -> None:
        self._templates = templates
        self._key = fence_key

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        environment = SandboxedEnvironment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["fence"] = self.fence
        return environment

    def fence(self, text: str) -> str:
        """`text` between marks that do not stand in it: a keyed hash of the text itself, which its author could not
        know; short, since a reviewer reads four.

        The same text renders the same bytes in every run of one database (ours).
        """
        hashes = (
            hashlib.blake2b(text.encode(), key=self._key, digest_size=n).hexdigest()
            for n in range(2, 65)
        )
        mark = next(found for found in hashes if found not in text)
        return f"<<<{mark}\n{text}\n{mark}>>>"

    def render(self, name: str, **values: Any) -> tuple[Message, ...]:
        """The messages of a prompt: one user turn, unless the template marks turns with `--- role ---` lines."""
        source = TURN.sub("\x02\\1\x03", self._templates[name])
        try:
            text = self._environment.from_string(source).render(values)
        except TemplateError as error:
            raise RecipeError(f"prompts/{name}.md: {error}", "mend the template") from error
        return _turns(text)


TURN = re.compile(r"^--- (system|user|assistant) ---\s*$", re.M)


def _turns(text: str) -> tuple[Message, ...]:
    """Split at the template's own marks; a quoted text that contains such a line stays text."""
    first, *rest = re.split("\x02(system|user|assistant)\x03", text)
    pairs = [("user", first), *zip(rest[::2], rest[1::2], strict=True)]
    return tuple(Message(role, body.strip()) for role, body in pairs if body.strip())
