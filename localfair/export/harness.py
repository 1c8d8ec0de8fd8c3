"""A student's task as a folder that lm-evaluation-harness runs: the exam's prompt, and a filter.

Reads the record's questions; writes YAML, JSON lines, a loader and a page. Questions and golds are
columns, never parts of a template. The filters read answers as `localfair.tasks.grading` does as
closely as regular expressions can: where they differ the harness is the poorer reader.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localfair.errors import UsageError
from localfair.export.exam_prompt import asked, wording_of
from localfair.export.harness_filters import filters_of, metric_of
from localfair.export.markdown import code, escaped, yaml
from localfair.export.names import plain
from localfair.export.once import Destination, write_files
from localfair.export.parity import exam_step
from localfair.export.student import TrainedStudent
from localfair.export.usage import block
from localfair.record.nouns import Message, Question, Sampling, Split
from localfair.record.store import Store
from localfair.tasks.choices import letter_of
from localfair.tasks.golds import question_kind
from localfair.tasks.grading import AnswerKind

FILTER = "localfair"
LOADER = '''\
"""The questions of one kind of answer that lie beside this file, every column a text."""

from pathlib import Path

import datasets

COLUMNS = ("id", "system", "prompt", "gold")


def load(kind, **_):
    path = Path(__file__).with_name(f"questions-{kind}.jsonl")
    features = datasets.Features({name: datasets.Value("string") for name in COLUMNS})
    return datasets.load_dataset("json", data_files={"test": str(path)}, features=features)
'''


@dataclass(frozen=True, slots=True)
class Asked:
    """Which questions the task holds: those of a split, at most `limit`; None takes all."""

    split: Split = "test"
    limit: int | None = None


def write(store: Store, student: TrainedStudent, questions: Asked, out: Destination) -> Path:
    """Write the folder `<out>/<name>-lm-eval`, and return it.

    Raises UsageError when the recipe holds no exam of its student, when its prompt has turns of an
    assistant, when the split holds no question, or when another export stands there.
    """
    chosen = store.questions(student.run.task, questions.split, questions.limit)
    if not chosen:
        raise UsageError(
            f"task {student.run.task!r} has no {questions.split} questions in {store.path}",
            "name another with --split",
        )
    step = exam_step(student, "a task for lm-eval is made of its prompt: name another with --run")
    wording = wording_of(store, student)
    rows: dict[AnswerKind, list[dict[str, str]]] = {}
    for question in chosen:
        answer_kind = wording.task.answer_kind
        if answer_kind == "any":
            answer_kind = question_kind(question)
        row = _row(question, answer_kind, asked(wording, step, question))
        rows.setdefault(answer_kind, []).append(row)
    choices = max(len(question.choices) for question in chosen)
    name = task_name(student)
    files = {"utils.py": LOADER}
    for answer_kind, of_kind in rows.items():
        lines = [json.dumps(row) + "\n" for row in of_kind]
        files[f"questions-{answer_kind}.jsonl"] = "".join(lines)
        task = name if len(rows) == 1 else f"{name}-{answer_kind}"
        settings = _task(task, answer_kind, choices, step.sampling)
        files[f"{task}.yaml"] = _as_yaml(settings)
    if len(rows) > 1:
        files[f"{name}.yaml"] = _as_yaml(_group(name, list(rows)))
    files["README.md"] = _page(student, name, questions.split, len(chosen))
    content = {file: text.encode("utf-8", "replace") for file, text in files.items()}
    return write_files(out.folder / f"{student.name}-lm-eval", content, out.force)


def task_name(student: TrainedStudent) -> str:
    """What lm-eval calls the task."""
    return f"localfair-{plain(student.run.task, 'task')}-{plain(student.run.id, 'run')}"


def _row(
    question: Question, answer_kind: AnswerKind, messages: Sequence[Message]
) -> dict[str, str]:
    """A question as a line: its prompt, and the gold as the filter writes answers.

    Raises UsageError for a prompt that is more than a system's and a user's turn.
    """
    roles = [message.role for message in messages]
    if roles not in (["user"], ["system", "user"]):
        raise UsageError(
            f"the exam's prompt has the turns {', '.join(roles)}; a task for lm-eval holds one of "
            "a system and one of a user",
            "give lm-eval the examples inside the user's turn, in the recipe's prompt",
        )
    gold = question.gold
    if answer_kind == "choice":
        gold = letter_of(gold, question.choices) or gold
    return {
        "id": question.id,
        "system": messages[0].content if len(messages) > 1 else "",
        "prompt": messages[-1].content,
        "gold": gold,
    }


def _task(name: str, answer_kind: AnswerKind, choices: int, sampling: Sampling) -> dict[str, Any]:
    """The settings of a task. lm-eval takes `description` for the system's turn."""
    return {
        "task": name,
        "custom_dataset": "!function utils.load",
        "dataset_kwargs": {"kind": answer_kind},
        "output_type": "generate_until",
        "test_split": "test",
        "num_fewshot": 0,
        "description": "system",
        "doc_to_text": "prompt",
        "doc_to_target": "gold",
        "target_delimiter": "",
        "generation_kwargs": {
            "do_sample": False,
            "temperature": 0.0,
            "max_gen_toks": sampling.max_tokens,
            "until": list(sampling.stop),
        },
        "filter_list": [{"name": FILTER, "filter": filters_of(answer_kind, choices)}],
        "metric_list": [metric_of(answer_kind)],
        "metadata": {"version": 1.0},
    }


def _group(name: str, kinds: list[AnswerKind]) -> dict[str, Any]:
    """The settings of a group of tasks, whose accuracy is that of all their questions."""
    mean = {"metric": "exact_match", "aggregation": "mean", "weight_by_size": True}
    return {
        "group": name,
        "task": [f"{name}-{kind}" for kind in kinds],
        "aggregate_metric_list": [{**mean, "filter_list": FILTER}],
        "metadata": {"version": 1.0},
    }


def _as_yaml(settings: dict[str, object]) -> str:
    """Settings as YAML whose values are JSON; a function of the loader is YAML's own tag."""
    lines = []
    for key, value in settings.items():
        is_function = isinstance(value, str) and value.startswith("!function ")
        lines.append(f"{key}: {value if is_function else yaml(value)}\n")
    return "".join(lines)


def _page(student: TrainedStudent, name: str, split: str, count: int) -> str:
    """How the task is run, and what it is."""
    run = student.run
    command = (
        "lm_eval --model hf --model_args pretrained=MERGED \\\n"
        f"  --tasks {name} --include_path . --apply_chat_template \\\n"
        "  --log_samples --output_path results"
    )
    lines = [
        f"# {name}",
        "",
        f"{count} {split} questions of {code(run.task)}, asked in the words in which the recipe "
        f"{code(run.recipe)} examined {escaped(student.model.name)} (run {code(run.id)}). For "
        "lm-evaluation-harness 0.4.9 or later; MERGED is the folder of `localfair export merged`.",
        "",
        *block(command, "sh"),
        "",
        "The chat template is part of the student: without `--apply_chat_template` it is asked in a "
        "form that it never learnt. The filter reads thinking, final statements and last numbers "
        "as localfair does, by regular expressions: where a reply is worded otherwise the two may "
        "differ, and `--log_samples` shows by which questions.",
        "",
    ]
    return "\n".join(lines)
