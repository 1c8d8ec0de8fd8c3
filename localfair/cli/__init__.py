"""The command line: parse, call one public function, print. Data to stdout, everything else to stderr.

Commands load when they are used, so `localfair --help` costs next to nothing.
"""

from __future__ import annotations

import errno
import importlib
import sqlite3
import sys
from typing import Any, NoReturn

import click

from localfair import __version__
from localfair.errors import DiskFull, Interrupted, LocalfairError, nearest

# name -> (module in this package, attribute, one line for --help)
COMMANDS = {
    "run": ("run", "run", "Run a recipe: exam, inquire, review, select, train, exam again."),
    "exam": ("run", "exam", "Run a recipe up to an exam."),
    "inquire": ("run", "inquire", "Run a recipe up to the teachers' explanations."),
    "review": ("run", "review", "Run a recipe up to the verdicts."),
    "select": ("run", "select", "Run a recipe up to the lessons."),
    "train": ("run", "train", "Run a recipe up to the adapter."),
    "report": ("report", "report", "Show what a run found."),
    "recipes": ("recipes", "recipes", "List, show, check and copy recipes."),
    "tasks": ("tasks", "tasks", "List, show and import tasks."),
    "models": ("models", "models", "List, add, check and fetch models."),
    "grade": ("grade", "grade", "Grade a file of answers."),
    "db": ("db", "db", "Look at the record."),
}

EPILOG = """\b
Examples:
  localfair run quickstart --fetch
  localfair run fair --task svamp --data SVAMP.json --student smollm2-135m-instruct \\
      --teacher qwen2.5-coder-1.5b-instruct --teacher qwen2.5-coder-0.5b-instruct
  localfair report --json"""


class Lazy(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"localfair.cli.{module}"), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            raise LocalfairError(f"there is no command {name!r}", nearest(name, COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="localfair")
def cli() -> None:
    """Reasoning distillation at home: local teachers explain a small student's mistakes, review one another,
    and a 4-bit student learns from what the committee accepted. The network stays off."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Run a command line; exit 0, 1, 2 or 130, with one `error:` line and one `hint:` line when not 0."""
    try:
        code = cli.main(args=argv, prog_name="localfair", standalone_mode=False)
    except LocalfairError as error:
        sys.exit(complain(error))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "localfair"
        sys.exit(complain(LocalfairError(error.format_message(), f"see `{command} --help`")))
    except click.ClickException as error:
        sys.exit(complain(LocalfairError(error.format_message(), "see `localfair --help`")))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(complain(Interrupted("interrupted", "run the same command again to go on")))
    except BrokenPipeError:
        sys.exit(0)
    except (OSError, sqlite3.OperationalError) as error:
        if not disk_is_full(error):
            raise
        hint = "free some space and run the same command again: everything answered before is recorded"
        sys.exit(complain(DiskFull("no space left on the disk", hint)))
    sys.exit(code if isinstance(code, int) else 0)


def disk_is_full(error: Exception) -> bool:
    """Whether an error of the operating system or of SQLite means that the disk is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def complain(error: LocalfairError) -> int:
    """The error's lines on stderr; its exit code."""
    problems = list(getattr(error, "problems", ()))
    if len(problems) == 1:
        click.echo(f"error: {error.message}: {problems[0]}", err=True)
    else:
        click.echo(f"error: {error.message}", err=True)
        for problem in problems:
            click.echo(f"  {problem}", err=True)
    click.echo(f"hint: {error.hint or 'see `localfair --help`'}", err=True)
    return error.exit_code
