"""A reader of the few actions that our templates in Go use, written apart from what writes them.

Texts, quoted strings, `if`/`else if`, `not`, `and`, `eq`, and a `range` over messages.
"""

from __future__ import annotations

import json
import re
from typing import Any

ACTION = re.compile(r"\{\{ (.*?) \}\}", re.DOTALL)


def rendered(template: str, messages: list[dict[str, str]]) -> str:
    """What the template writes of a chat, as Ollama hands it one."""
    tokens = []
    position = 0
    for match in ACTION.finditer(template):
        tokens += [("text", template[position : match.start()]), ("do", match[1])]
        position = match.end()
    tokens.append(("text", template[position:]))
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    scope: dict[str, Any] = {".System": system, ".Messages": messages, "$.System": system}
    text, rest = _block(tokens, scope)
    assert rest == []
    return text


def _block(tokens, scope):
    """The text up to the `else` or `end` of this block, and what is left from there."""
    written = []
    while tokens:
        (kind, value), *tokens = tokens
        if kind == "text":
            written.append(value)
        elif value == "end" or value.startswith("else"):
            return "".join(written), [(kind, value), *tokens]
        elif value.startswith('"'):
            written.append(json.loads(value))
        elif value.startswith("if "):
            text, tokens = _choice(value.removeprefix("if "), tokens, scope)
            written.append(text)
        elif value == "range $i, $_ := .Messages":
            for number, message in enumerate(scope[".Messages"]):
                inner = {**scope, "$i": number, ".Role": message["role"]}
                text, rest = _block(tokens, {**inner, ".Content": message["content"]})
                written.append(text)
            tokens = rest[1:]
        else:
            written.append(scope[value])
    return "".join(written), []


def _choice(condition, tokens, scope):
    """The text of the first branch that holds, and what follows the `end`."""
    text, rest = _block(tokens, scope)
    (_, action), *after = rest
    holds = _value(condition, scope)
    if action == "end":
        return (text if holds else ""), after
    other, after = _choice(action.removeprefix("else if "), after, scope)
    return (text if holds else other), after


def _value(expression, scope):
    words = re.findall(r'\(|\)|"[^"]*"|[^\s()]+', expression)
    value, rest = _read(words, scope)
    assert rest == []
    return value


def _read(words, scope):
    head, *rest = words
    if head == "(":
        value, (closing, *rest) = _read(rest, scope)
        assert closing == ")"
        return value, rest
    if head == "not":
        value, rest = _read(rest, scope)
        return not value, rest
    if head in ("and", "eq"):
        first, rest = _read(rest, scope)
        second, rest = _read(rest, scope)
        return (first == second if head == "eq" else first and second), rest
    if head.isdigit():
        return int(head), rest
    if head.startswith('"'):
        return json.loads(head), rest
    return scope[head], rest
