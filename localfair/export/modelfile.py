"""Ollama's Modelfile of an exported GGUF: template, end of turn, system turn, the exam's sampling.

Pure. Template, tokens and prompts are text that others wrote: none of it begins an instruction of
the Modelfile. What cannot be written is said in a comment, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from localfair.export.turns import NotTranslated, Turns
from localfair.machine.terminal import shown
from localfair.record.nouns import Message, Sampling

QUOTES = '"""'


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A GGUF as Ollama is to serve it.

    file: its name, beside the Modelfile. adapter: that of a LoRA, "" for none. about: lines of
    comment. turns: the template's pieces, or why there are none. messages: the exam's prompt, empty
    without an exam.
    """

    file: str
    adapter: str
    about: Sequence[str]
    turns: Turns | NotTranslated
    stop: str | None
    messages: Sequence[Message]
    sampling: Sampling
    placeholder: str


def modelfile(served: Served) -> str:
    """The text of the Modelfile."""
    lines = [*_comments(served.about), f"FROM ./{served.file}"]
    if served.adapter:
        lines.append(f"ADAPTER ./{served.adapter}")
    lines += _template(served.turns)
    lines += _system(served)
    lines += ["PARAMETER temperature 0", f"PARAMETER num_predict {served.sampling.max_tokens}"]
    for stop in dict.fromkeys((served.stop or "", *served.sampling.stop)):
        lines += _stop(stop)
    return "\n".join([*lines, ""])


def _comments(texts: Sequence[str]) -> list[str]:
    """Each text as a comment, on one line whatever it holds."""
    return [f"# {' '.join(shown(text).split())}" for text in texts]


def _template(turns: Turns | NotTranslated) -> list[str]:
    if isinstance(turns, NotTranslated):
        return _comments(
            [
                f"no TEMPLATE: the chat template is not translated to Go, {turns}.",
                "Ollama would guess one: ask llama.cpp's server instead, which reads the file's own.",
            ]
        )
    go = turns.as_go()
    limits = "turns of system, user and assistant; tools and what was thought before are left out"
    return [f"# TEMPLATE: {limits}", f"TEMPLATE {QUOTES}{go}{QUOTES}"]


def _system(served: Served) -> list[str]:
    """The exam's system turn, where it is the same for every question."""
    first = served.messages[0] if served.messages else None
    if first is None or first.role != "system":
        return []
    text = first.content
    if served.placeholder in text:
        return _comments(["no SYSTEM: the exam's system turn holds the question, see USAGE.md"])
    if QUOTES in text or text.endswith('"') or "\0" in text:
        return _comments(["no SYSTEM: a Modelfile cannot quote the exam's, which is in USAGE.md"])
    return [f"SYSTEM {QUOTES}{text}{QUOTES}"]


def _stop(stop: str) -> list[str]:
    if not stop:
        return []
    if not stop.isprintable() or '"' in stop or "\\" in stop:
        return _comments([f"no stop for {json.dumps(stop)}, which a Modelfile cannot quote"])
    return [f'PARAMETER stop "{stop}"']
