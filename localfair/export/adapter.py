"""The adapter itself, as PEFT reads it, with tokenizer and template, its base's name and hash.

Reads the folder of a trained adapter and its base's tokenizer; writes another. Knows nothing of
engines.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from localfair.export.exam_prompt import ExamPrompt
from localfair.export.markdown import code, escaped
from localfair.export.merged import save_tokenizer
from localfair.export.student import TrainedStudent
from localfair.export.terms import section
from localfair.export.usage import block, prompt_section
from localfair.models.gguf_lora import CONFIG, WEIGHTS, read_config

ABOUT = "localfair.json"
LOADING = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base = AutoModelForCausalLM.from_pretrained("BASE")  # the folder or repository of the base
model = PeftModel.from_pretrained(base, "ADAPTER")  # this folder
tokenizer = AutoTokenizer.from_pretrained("ADAPTER")"""
OF_GGUF = """\
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
options = {"gguf_file": "FILE.gguf", "quantization_config": GgufConfig(dequantize=True)}
base = AutoModelForCausalLM.from_pretrained("FOLDER", **options)
base.save_pretrained("BASE")"""


def copy(
    student: TrainedStudent, about: Sequence[str], prompt: ExamPrompt | None, folder: Path
) -> None:
    """Copy the adapter to `folder`, with all that a reader needs but the base's weights.

    The weights stay as they are, the configuration names the base's safetensors folder, by which
    PEFT's Auto classes find it on this machine. `localfair.json` holds the base's hash and
    the licences, README.md says how to load the adapter elsewhere. `about`: lines on the student.
    """
    folder.mkdir()
    base = student.seating.folder(student.model).absolute()
    save_tokenizer(base, student.model, folder)
    config = read_config(student.folder)
    config["base_model_name_or_path"] = str(base)
    _write_json(folder / CONFIG, config)
    shutil.copyfile(student.folder / WEIGHTS, folder / WEIGHTS)
    facts = {
        "adapter": student.adapter.id,
        "sha256": student.adapter.sha256,
        "base": student.model.name,
        "base_fingerprint": student.model.fingerprint,
        "recipe": student.run.recipe,
        "run": student.run.id,
        "settings": json.loads(student.adapter.settings),
        "licences": student.terms.as_data(),
    }
    _write_json(folder / ABOUT, facts)
    page = _page(student, base, about, prompt)
    (folder / "README.md").write_bytes(page.encode("utf-8", "replace"))


def _page(
    student: TrainedStudent, base: Path, about: Sequence[str], prompt: ExamPrompt | None
) -> str:
    """How to load the adapter, here and elsewhere, and the exam's prompt."""
    lines = [
        f"# {student.name}",
        "",
        *[f"{escaped(line)}  " for line in about],
        "",
        "## Loading",
        "",
        f"`{CONFIG}` names the base as {code(str(base))}, the folder of the machine that made this: "
        "there `AutoPeftModelForCausalLM.from_pretrained` needs this folder alone. Elsewhere, or "
        "before it is published, put the base's folder or repository in its place, or name it:",
        "",
        *block(LOADING, "python"),
        "",
    ]
    if student.model.path.is_file():
        lines += [
            f"The base is a GGUF, {code(student.model.path.name)}. As a folder that transformers "
            "reads:",
            "",
            *block(OF_GGUF, "python"),
            "",
        ]
    return "\n".join([*lines, *prompt_section(prompt), *section(student.terms)])


def _write_json(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
