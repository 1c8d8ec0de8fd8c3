"""USAGE.md of an exported student: the exam's prompt, and how each program is given it.

Pure. Prompts and names are text that others wrote: they stand in code that none of them ends, and
in JSON that no shell reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from localfair.export.exam_prompt import PLACEHOLDER, ExamPrompt
from localfair.export.markdown import code, escaped
from localfair.machine.terminal import shown
from localfair.record.nouns import Message

BACKTICKS = re.compile("`+")


def block(text: str, language: str = "text") -> list[str]:
    """A text as a fenced block whose fence is longer than any in it."""
    visible = shown(text)
    runs = [len(run) for run in BACKTICKS.findall(visible)]
    fence = "`" * max(3, max(runs, default=0) + 1)
    return [f"{fence}{language}", visible, fence]


def prompt_section(prompt: ExamPrompt | None) -> list[str]:
    """The exam's turns and its sampling, or that there was no exam."""
    lines = ["## The exam's prompt", ""]
    if prompt is None:
        return [*lines, "The recipe holds no exam of its student, so there is no such prompt.", ""]
    lines.append(
        "The words in which this student was examined, which are part of it: in other words it "
        f"answers worse. The question stands for {code(PLACEHOLDER)}; of a question with choices, "
        "they follow it, one a line, as in the example below."
    )
    for message in prompt.messages:
        lines += ["", f"{message.role}:", "", *block(message.content)]
    stops = ", ".join(code(json.dumps(stop)) for stop in prompt.sampling.stop)
    ends = f", stop at {stops}" if stops else ""
    lines += ["", f"Greedy (temperature 0), at most {prompt.sampling.max_tokens} tokens{ends}.", ""]
    return lines


def _head(name: str, about: Sequence[str], prompt: ExamPrompt | None) -> list[str]:
    """How a page begins, down to its first program."""
    return [
        f"# {name}",
        "",
        *[f"{escaped(line)}  " for line in about],
        "",
        *prompt_section(prompt),
        "## llama.cpp's server",
        "",
    ]


def of_gguf(name: str, file: str, about: Sequence[str], prompt: ExamPrompt | None) -> str:
    """The page beside a GGUF. `name`, `file`: letters that any shell takes as they stand."""
    chat = _request(prompt)
    lines = [
        *_head(name, about, prompt),
        *block(
            f"llama-server -m {file} --jinja --port 8080\n"
            "curl http://127.0.0.1:8080/v1/chat/completions "
            "-H 'Content-Type: application/json' -d @- <<'JSON'\n"
            f"{json.dumps(chat, indent=1)}\nJSON",
            "sh",
        ),
        "",
        "## Ollama",
        "",
        "The Modelfile beside this page holds template, end of turn and sampling. What it cannot "
        "hold it says.",
        "",
        *block(
            f"ollama create {name.lower()} -f Modelfile\n"
            "curl http://127.0.0.1:11434/api/chat -d @- <<'JSON'\n"
            f"{json.dumps({'model': name.lower(), 'stream': False, **_of_ollama(chat)}, indent=1)}"
            "\nJSON",
            "sh",
        ),
        "",
        "## LM Studio",
        "",
        "Publisher, model and file are folders already: copy the folder `localfair` that holds this "
        f"one into LM Studio's models folder, or `lms import {file}`. Set the temperature to 0, and "
        "ask in the exam's words.",
        "",
    ]
    return "\n".join(lines)


def of_lora(
    name: str, file: str, base: str, about: Sequence[str], prompt: ExamPrompt | None
) -> str:
    """The page beside a GGUF LoRA, which needs the base's GGUF, `base`."""
    lines = [
        *_head(name, about, prompt),
        *block(f"llama-server -m {base} --lora {file} --jinja --port 8080", "sh"),
        "",
        "## Ollama",
        "",
        f"Put the base's GGUF beside the Modelfile as {code(base)}.",
        "",
        *block(f"ollama create {name.lower()} -f Modelfile", "sh"),
        "",
        "## LM Studio",
        "",
        "It loads no LoRA: `localfair export gguf --type q8_0` merges it.",
        "",
    ]
    return "\n".join(lines)


def _request(prompt: ExamPrompt | None) -> dict[str, object]:
    """The body of a chat with the exam's example and sampling."""
    messages: tuple[Message, ...] = (Message("user", "Hello"),)
    body: dict[str, object] = {"temperature": 0}
    if prompt is not None:
        messages = prompt.example
        body["max_tokens"] = prompt.sampling.max_tokens
        if prompt.sampling.stop:
            body["stop"] = list(prompt.sampling.stop)
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return {"messages": turns, **body}


def _of_ollama(chat: dict[str, object]) -> dict[str, object]:
    """The turns alone: the Modelfile holds the sampling."""
    return {"messages": chat["messages"]}
