"""What others wrote, as text in a Markdown file with YAML in front: never a line, tag or link of it.

Pure. Names, licences and terms come from cards and recipes that anybody may have written.
"""

from __future__ import annotations

import json
import re

from localfair.machine.terminal import shown

# what begins or ends something in Markdown or HTML; an underscore within a word does neither
SIGNS = re.compile(r"[\\`*\[\]|~#!]|(?<!\w)_|_(?!\w)")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# what YAML, unlike JSON, does not take as a letter of a quoted text
UNQUOTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def escaped(text: str) -> str:
    """A text on one line that Markdown shows as it stands."""
    one_line = " ".join(shown(text).split())
    signs = SIGNS.sub(lambda match: f"\\{match[0]}", one_line)
    return re.sub("[&<>]", lambda match: ENTITIES[match[0]], signs)


def code(text: str) -> str:
    """A text on one line as code; what would end the code or the table's cell is another sign."""
    one_line = " ".join(shown(text).split())
    return f"`{one_line.replace('`', chr(39)).replace('|', '¦')}`"


def yaml(value: object) -> str:
    """A value as JSON that YAML reads as the same: on one line, nothing beyond it."""
    text = json.dumps(value, ensure_ascii=False)
    without_halves = text.encode("utf-8", "replace").decode()
    return UNQUOTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", without_halves)
