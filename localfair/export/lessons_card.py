"""README.md beside exported lessons: a data set card in Hugging Face's form for a data set.

Pure. It says what the lessons are, under whose terms, and how each trainer learns the replies
alone. Judges no licence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from localfair.export.markdown import code, escaped, yaml
from localfair.export.terms import hub_licence, section
from localfair.export.trainers import PARQUET, Form, settings_section
from localfair.record.licences import Ledger
from localfair.record.made import Run

COLUMNS = {
    "messages": "`messages`: the prompt's turns, and last the reply that is taught.",
    "prompt-completion": "`prompt`: the turns; `completion`: the reply that is taught.",
    "dataset": "`prompt`: the turns; `completion`: the reply that is taught.",
}
# the least number of lessons -> what Hugging Face calls it; the last that is not above counts
SIZES = {0: "n<1K", 1_000: "1K<n<10K", 10_000: "10K<n<100K", 100_000: "100K<n<1M"}


def lessons_card(
    run: Run,
    form: Form,
    name: str,
    lessons: Sequence[tuple[str, float]],
    teachers: Sequence[str],
    terms: Ledger,
) -> str:
    """The page of a run's lessons. `lessons`: kind and weight of each."""
    lines = _front_matter(name, run, len(lessons), terms) if form == "dataset" else []
    taught_by = ", ".join(code(teacher) for teacher in teachers) or "no teacher"
    lines += [
        f"# {escaped(name)}",
        "",
        f"{len(lessons)} lessons that localfair made with the recipe {code(run.recipe)} on "
        f"{code(run.task)}, run {code(run.id)} of {escaped(run.started[:10])}. Written by "
        f"{taught_by}.",
        "",
        f"{COLUMNS[form]} `kind`: feedback, rationale or answer. `weight`: the lesson's in the "
        "recipe's loss. `teacher`: the model that wrote the reply. `question`, `lesson`: ids in the "
        "record.",
        "",
        "| kind | weight | lessons |",
        "|---|--:|--:|",
        *_counted(lessons),
        "",
        *section(terms),
        *settings_section(form),
    ]
    return "\n".join(lines)


def _counted(lessons: Iterable[tuple[str, float]]) -> list[str]:
    counts = Counter(lessons)
    return [f"| {kind} | {weight:g} | {counts[kind, weight]} |" for kind, weight in sorted(counts)]


def _front_matter(name: str, run: Run, count: int, terms: Ledger) -> list[str]:
    """The YAML block of a data set card."""
    size = [label for least, label in SIZES.items() if count >= least][-1]
    fields = {
        **hub_licence(terms, None),
        "pretty_name": name,
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "tags": ["localfair", "distillation", run.recipe],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": PARQUET}]}
        ],
    }
    return ["---", *[f"{key}: {yaml(value)}" for key, value in fields.items()], "---", ""]
