"""What stands beside an exported GGUF: Modelfile and USAGE.md, and what the file says of itself.

Reads the student's tokenizer and its exam's prompt; hands out texts. Writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localfair.export import usage
from localfair.export.exam_prompt import PLACEHOLDER, ExamPrompt
from localfair.export.markdown import escaped, yaml
from localfair.export.modelfile import Served, modelfile
from localfair.export.names import plain
from localfair.export.student import TrainedStudent
from localfair.export.terms import hub_licence, section
from localfair.export.turns import NotTranslated, Turns, turns_of
from localfair.models.chat_template import ChatTemplate
from localfair.record.nouns import Message, Sampling, canonical_json
from localfair.report.terms import marks, short_lines

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase as Tokenizer

HUB = "https://huggingface.co/"


def about_lines(student: TrainedStudent) -> list[str]:
    """Base, recipe, task and run of a student, for people; texts that others wrote are in them."""
    run = student.run
    paper = json.loads(run.effective).get("paper")
    method = f"{run.recipe} ({paper})" if paper else run.recipe
    return [
        f"Base: {student.model.name}, {student.model.fingerprint}",
        f"Taught by localfair with the recipe {method} on {run.task}",
        f"Run: {run.id} of {run.started[:10]}",
        *marks(student.terms),
    ]


def metadata(student: TrainedStudent, name: str) -> dict[str, str | int]:
    """The GGUF keys that say what a file is and what it was made from.

    `general.base_model.*` are llama.cpp's own; `localfair.*` are ours.
    """
    run = student.run
    entries: dict[str, str | int] = {
        "general.name": name,
        "general.finetune": run.recipe,
        "general.description": f"{student.model.name}, taught by {run.recipe} on {run.task}",
        "general.base_model.count": 1,
        "general.base_model.0.name": student.model.name,
    }
    repository = repository_of(student)
    if repository:
        organisation, _, _ = repository.partition("/")
        entries["general.base_model.0.organization"] = organisation
        entries["general.base_model.0.repo_url"] = HUB + repository
    entries["localfair.base"] = student.model.fingerprint
    entries["localfair.recipe"] = run.recipe
    entries["localfair.task"] = run.task
    entries["localfair.run"] = run.id
    entries["localfair.adapter"] = student.adapter.id
    entries["localfair.licences"] = canonical_json(student.terms.as_data())
    return entries


def repository_of(student: TrainedStudent) -> str:
    """The base's first repository on Hugging Face, "" where its card names none."""
    for source in student.model.card.sources:
        if source.repo:
            return str(source.repo)
    return ""


def page_of_merged(student: TrainedStudent, prompt: ExamPrompt | None) -> bytes:
    """README.md of merged weights, in Hugging Face's form for a model."""
    fields = {
        **hub_licence(student.terms, student.model.card),
        "base_model": repository_of(student) or student.model.name,
        "library_name": "transformers",
        "tags": ["localfair", "distillation", student.run.recipe],
        "licences": student.terms.as_data(),
    }
    lines = ["---", *[f"{key}: {yaml(value)}" for key, value in fields.items()], "---", ""]
    lines += [
        f"# {student.name}",
        "",
        *[f"{escaped(line)}  " for line in about_lines(student)],
        "",
        *usage.prompt_section(prompt),
        *section(student.terms),
    ]
    return _bytes("\n".join(lines))


def files(
    student: TrainedStudent, base: Path, path: Path, is_lora: bool, prompt: ExamPrompt | None
) -> dict[str, bytes]:
    """The files beside a GGUF at `path`, by name; `base` is the safetensors folder of its base."""
    about = about_lines(student)
    tokenizer = _tokenizer(student, base)
    base_file = plain(student.model.path.name, "base")
    if not base_file.endswith(".gguf"):
        base_file += ".gguf"
    served = Served(
        file=base_file if is_lora else path.name,
        adapter=path.name if is_lora else "",
        about=[*about, *short_lines(student.terms)],
        turns=_turns(student, tokenizer),
        stop=_end_of_turn(tokenizer),
        messages=prompt.messages if prompt else (),
        sampling=prompt.sampling if prompt else Sampling(),
        placeholder=PLACEHOLDER,
    )
    if is_lora:
        page = usage.of_lora(path.stem, path.name, base_file, about, prompt)
    else:
        page = usage.of_gguf(path.stem, path.name, about, prompt)
    page = "\n".join([page, *section(student.terms)])
    return {"Modelfile": _bytes(modelfile(served)), "USAGE.md": _bytes(page)}


def _bytes(text: str) -> bytes:
    """UTF-8; half of a surrogate pair, which none of it can hold, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _tokenizer(student: TrainedStudent, base: Path) -> Tokenizer:
    from localfair.models.chat import load_tokenizer

    model = student.model
    return load_tokenizer(base, model.chat_template, name=model.name, settings=model.settings)


def _end_of_turn(tokenizer: Tokenizer) -> str | None:
    """The text of the token that ends a turn."""
    from localfair.models.chat import end_of_turn

    text = tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer))
    return str(text) if text else None


def _turns(student: TrainedStudent, tokenizer: Tokenizer) -> Turns | NotTranslated:
    """The chat template in pieces, without the token that llama.cpp adds by itself."""
    if student.model.is_dated:
        return NotTranslated("it writes the date, which Ollama does not know")
    bos = str(tokenizer.bos_token or "")
    template = ChatTemplate(
        student.model.name,
        tokenizer.chat_template,
        bos=bos,
        eos=str(tokenizer.eos_token or ""),
        control=list(tokenizer.all_special_tokens),
        settings=student.model.settings,
    )
    adds_bos = [int(token) for token in tokenizer("").input_ids][:1] == [tokenizer.bos_token_id]

    def render(messages: Sequence[Message], opens_reply: bool) -> str:
        text = template.text(messages, opens_reply=opens_reply)
        return text.removeprefix(bos) if adds_bos and bos else text

    try:
        return turns_of(render)
    except NotTranslated as reason:
        return reason
