"""The command line: parse, call one public function, print.

Data to stdout, everything else to stderr.

Commands load when they are used, so `localfair --help` costs next to nothing.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from localfair import __version__
from localfair.errors import (
    DatabaseBusy,
    DiskFull,
    Interrupted,
    LocalfairError,
    StoreError,
    UsageError,
    nearest,
)
from localfair.machine.offline import go_offline
from localfair.machine.terminal import echo

# name -> (module in this package, attribute, one line for --help)
COMMANDS = {
    "run": ("run", "run", "Run a recipe: exam, inquire, review, select, train, exam again."),
    "exam": ("run", "exam", "Run a recipe up to an exam."),
    "inquire": ("run", "inquire", "Run a recipe up to the teachers' explanations."),
    "review": ("run", "review", "Run a recipe up to the verdicts."),
    "select": ("run", "select", "Run a recipe up to the lessons."),
    "soften": ("run", "soften", "Run a recipe up to a mentor's soft labels."),
    "train": ("run", "train", "Run a recipe up to the adapter."),
    "plan": ("plan", "plan", "Show what a run would ask, load, take and last."),
    "status": ("status", "status", "Show where a run stands, also from another terminal."),
    "report": ("report", "report", "Show what a run found."),
    "coverage": (
        "coverage",
        "coverage",
        "Show what several teachers solve together, before a committee is chosen.",
    ),
    "show": (
        "history",
        "show",
        "Show the history of one question, lesson, explanation or other row as a tree.",
    ),
    "browse": ("browse", "browse", "Show the record in a browser; nothing is written."),
    "diff": ("diff", "diff", "Compare two runs: settings, accuracy, questions that flipped."),
    "compare": (
        "compare",
        "compare",
        "Run several recipes or variants at an equal budget and compare them.",
    ),
    "ask": ("ask", "ask", "Put a question to the student, before its training and after."),
    "chat": ("ask", "chat", "Talk with the student, before its training and after."),
    "export": (
        "export",
        "export",
        "Write a run's adapter, merged weights, GGUF, lessons, task or model card.",
    ),
    "licences": ("licences", "licences", "Show whose terms what a run made is under."),
    "trace": ("trace", "trace", "Show what a student was made of: its lessons and their authors."),
    "reproduce": ("reproduce", "reproduce", "Do a run again and say what came out different."),
    "bundle": ("bundle", "bundle", "Carry everything to a machine without a network."),
    "recipes": ("recipes", "recipes", "List, show, check and copy recipes."),
    "tasks": ("tasks", "tasks", "List, show and import tasks."),
    "models": ("models", "models", "List, add, check and fetch models."),
    "reviewers": ("reviewers", "reviewers", "Show what a committee's reviews are worth."),
    "bench": ("bench", "bench", "Measure how fast a model reads and writes here."),
    "grade": ("grade", "grade", "Grade a file of answers."),
    "db": ("db", "db", "Look at the record."),
    "config": (
        "config",
        "config",
        "Show what localfair.toml and LOCALFAIR_* set, and who says so.",
    ),
    "doctor": ("doctor", "doctor", "Say what this machine is and can do."),
}

# commands that take `run`'s options
WITH_TEACHERS = frozenset(
    ["run", "exam", "inquire", "review", "select", "soften", "train", "plan", "compare"]
)

# commands that had another name once
RENAMED_COMMANDS = {"committee": "reviewers"}

EPILOG = """\b
Examples:
  localfair run quickstart --fetch
  localfair run fair --task svamp --data SVAMP.json --student smollm2-135m-instruct \\
      --teacher qwen2.5-coder-1.5b-instruct --teacher qwen2.5-coder-0.5b-instruct
  localfair report --json"""

# what a disk says that is broken or gone
BROKEN = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE)
AGAIN = "run the same command again: everything answered before is recorded"


class Lazy(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module_name, attribute, _ = COMMANDS[cmd_name]
        module = importlib.import_module(f"localfair.cli.{module_name}")
        command: click.Command = getattr(module, attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name in RENAMED_COMMANDS:
            raise LocalfairError(
                f"there is no command {name!r}",
                f"it is called `localfair {RENAMED_COMMANDS[name]}` now",
            )
        if name and not name.startswith("-") and name not in COMMANDS:
            raise LocalfairError(f"there is no command {name!r}", nearest(name, COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        entries = [(name, text) for name, (_, _, text) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(entries)


@click.group(cls=Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="localfair")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Reasoning distillation at home.

    Local teachers explain a small student's mistakes, review one another, and a 4-bit student
    learns from what the committee accepted. The network stays off.
    """
    name = ctx.invoked_subcommand
    command = cli.get_command(ctx, name) if name else None
    if name and command and name != "config":  # which says itself what is wrong with them
        ctx.default_map = {name: defaults(name, command)}


def defaults(name: str, command: click.Command) -> dict[str, Any]:
    """What a command's options are where the command line does not say; see `machine/settings`."""
    from localfair.machine.settings import settings
    from localfair.machine.workspace import workspace_dir

    values = {}
    for setting in settings(workspace_dir()).values():
        # the engine that is set is the teachers', which only runs have
        if setting.value is not None and (setting.name != "engine" or name in WITH_TEACHERS):
            values[setting.name] = setting.value
    if isinstance(command, click.Group):
        return dict.fromkeys(command.commands, values)
    return values


def main(argv: list[str] | None = None) -> NoReturn:
    """Run a command line and exit with 0, 1, 2 or 130.

    Any other code than 0 comes with an `error:` line and a `hint:` line on stderr.
    """
    go_offline()
    _never_refuse_a_character()
    try:
        code = cli.main(args=argv, prog_name="localfair", standalone_mode=False)
    except LocalfairError as error:
        sys.exit(complain(error))
    except click.UsageError as error:
        sys.exit(complain(usage_in_words(error)))
    except click.ClickException as error:
        sys.exit(complain(LocalfairError(error.format_message(), "see `localfair --help`")))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(complain(Interrupted("interrupted", "run the same command again to go on")))
    except (OSError, sqlite3.DatabaseError) as error:
        known = _in_words(error) or _damage(error, argv)
        if known is None:
            raise
        _drop_stdout()
        sys.exit(complain(known))
    except Exception as error:
        damage = _damage(error, argv)
        if damage is None:
            raise
        sys.exit(complain(damage))
    sys.exit(code if isinstance(code, int) else 0)


def _never_refuse_a_character() -> None:
    """Write `?` for a character that the terminal's encoding lacks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def usage_in_words(error: click.UsageError) -> UsageError:
    """What click refused, with the nearest right name where it knows one, else the help to read."""
    command = error.ctx.command_path if error.ctx else "localfair"
    see_help = f"see `{command} --help`"
    # an exception of its own in click 8.2; 8.1 prints the help itself
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        return UsageError(f"`{command}` needs a command", see_help)
    nearest_names = getattr(error, "possibilities", None)
    if nearest_names:
        return UsageError(error.message, f"did you mean {nearest_names[0]!r}?")
    one_line = " ".join(error.format_message().split())
    return UsageError(one_line, see_help)


def _damage(error: Exception, argv: list[str] | None) -> LocalfairError | None:
    """What is wrong with the record that a command line names, if anything is."""
    from localfair.cli.damage import damage_in_words

    return damage_in_words(error, sys.argv[1:] if argv is None else argv)


def _in_words(error: OSError | sqlite3.DatabaseError) -> LocalfairError | None:
    """What the system or SQLite refused, where the user can do something about it; else None."""
    if isinstance(error, OSError):
        return os_error_in_words(error)
    return sqlite_error_in_words(error)


def os_error_in_words(error: OSError) -> LocalfairError | None:
    """A full disk, a file that cannot be read or written, a working directory that is gone; None
    for anything else.
    """
    from localfair.machine.files import disk_is_full

    if disk_is_full(error):
        return DiskFull("no space left on the disk", f"free some space and {AGAIN}")
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        return UsageError(
            "the working directory was removed", "change to a folder that exists, and try again"
        )
    if error.errno in BROKEN:
        return UsageError(
            f"a disk cannot be read or written: {error.strerror}",
            "it is damaged, or was taken away: go on from a copy, on another",
        )
    if error.filename is None:
        return None
    return UsageError(
        f"{error.filename}: {error.strerror}",
        "check the path, and that you may read and write it",
    )


def _has_working_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def sqlite_error_in_words(error: sqlite3.DatabaseError) -> LocalfairError | None:
    """A disk, a lock or a file that SQLite cannot work with; None for an error of ours."""
    # The low byte is the error itself; the rest says where in SQLite it arose.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskFull("no space left on the disk", f"free some space and {AGAIN}")
        case sqlite3.SQLITE_IOERR:
            return DiskFull(
                f"the disk refuses the database ({error})",
                f"is it full, or over a quota? Then {AGAIN}",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(
                f"the database is damaged ({error})",
                "go on from a copy of it, or choose another --db",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DatabaseBusy(
                f"another program holds the database ({error})",
                "wait for it, or choose another --db",
            )
        case sqlite3.SQLITE_READONLY:
            return StoreError(
                f"the database cannot be written ({error})", "choose a --db that you may write to"
            )
    return None


def _drop_stdout() -> None:
    """Point stdout nowhere: what could not be written must not fail again when Python ends."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def complain(error: LocalfairError) -> int:
    """Print an error, its problems and its hint on stderr; return its exit code."""
    problems = list(getattr(error, "problems", ()))
    if len(problems) == 1:
        echo(f"error: {error.message}: {problems[0]}", err=True)
    else:
        echo(f"error: {error.message}", err=True)
        for problem in problems:
            echo(f"  {problem}", err=True)
    hint = error.hint or "see `localfair --help`"
    echo(f"hint: {hint}", err=True)
    return error.exit_code
