"""`localfair grade TASK FILE`: grade answers that someone already has.

Writes JSON lines to stdout.
"""

from __future__ import annotations

from pathlib import Path

import click

from localfair.errors import UsageError
from localfair.machine.terminal import echo_json
from localfair.tasks import get_task
from localfair.tasks.answer_sheet import HINT, grade_lines


@click.command(
    epilog="\b\nExamples:\n  localfair grade gsm8k answers.jsonl\n  localfair grade svamp - < answers.jsonl"
)
@click.argument("task")
@click.argument("file", metavar="FILE.jsonl")
def grade(task: str, file: str) -> None:
    """Grade FILE.jsonl (or - for stdin): one {"id", "text", "gold"} per line, for the answers of
    TASK.
    """
    name = "stdin" if file == "-" else Path(file).name
    known = get_task(task)
    try:
        with click.open_file(file, "rb") as lines:
            for graded in grade_lines(known, lines, name):
                echo_json(graded)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}", HINT) from None
