"""`localfair ask` and `localfair chat`: parse, hold a conversation, print what the models say.

Replies go to stdout piece by piece, everything else to stderr. What a model says is untrusted text:
it goes through `machine/terminal`.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from localfair.cli import completion
from localfair.cli.numbers import THREADS, TOKENS
from localfair.errors import PromptRefused, PromptTooLong, ReplyError, UsageError
from localfair.machine.terminal import Pieces, echo

if TYPE_CHECKING:
    from localfair.export.conversation import Conversation, Side

OPTIONS = [
    click.option("--run", help="The run's id; the newest that trained a student when left out."),
    click.option(
        "--model",
        shell_complete=completion.models,
        help="Another model instead: a card's name, a .gguf file or a folder of safetensors. It is "
        "asked in the words of --run, of the newest run when left out.",
    ),
    click.option(
        "--only",
        type=click.Choice(["before", "after"]),
        help="The student before its training, or after; both when left out.",
    ),
    click.option(
        "--engine",
        shell_complete=completion.engines,
        help="What serves the model. Default: the engine of the run's exams.",
    ),
    click.option(
        "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
    ),
    click.option("--max-tokens", type=TOKENS, help="Of a reply. Default: as in the exam."),
    click.option("--threads", type=THREADS, help="Of the processor. Default: a core each."),
    click.option("--bare", is_flag=True, help="Put questions as they are, not as the exam does."),
]


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        function = option(function)
    return function


@click.command(
    epilog="\b\nExamples:\n"
    '  localfair ask "Mia has 3 jars with 8 beads each. How many beads has she?"\n'
    "  localfair ask - < question.txt\n"
    '  localfair ask --model my-student.gguf "What is 7 x 8?"'
)
@click.argument("question")
@_with_options
def ask(question: str, **options: Any) -> None:
    """Put QUESTION to the student, before its training and after.

    The question is put as the run's exam puts it, without a server. `-` reads it from standard
    input. Replies are greedy. No answer is recorded: this is no exam.
    """
    from localfair.export.conversation import checked

    if question == "-":
        question = _stdin().read()
    checked(question)
    with _conversation(options) as conversation:
        _print_replies(conversation, question, is_alone=len(conversation.sides) == 1)


@click.command(
    epilog="\b\nExamples:\n  localfair chat\n  localfair chat --only after\n"
    "  localfair chat --model smollm2-135m-instruct < questions.txt"
)
@_with_options
def chat(**options: Any) -> None:
    """Talk with the student, before its training and after.

    Each line is put as the run's exam puts a question, after what was said before; the earliest
    turns are left out when the context is full. /new begins anew, /quit or Ctrl-D ends. Where
    standard input is no terminal, every line gets its replies. No answer is recorded.
    """
    with _conversation(options) as conversation, contextlib.suppress(KeyboardInterrupt):
        is_terminal = sys.stdin.isatty()
        if is_terminal:
            echo("/new begins anew, /quit or Ctrl-D ends", err=True)
        is_alone = len(conversation.sides) == 1 and not is_terminal
        for line in _lines(is_terminal):
            if line == "/quit":
                return
            if line == "/new":
                conversation.forget()
            elif line:
                _answer(conversation, line, is_alone=is_alone)


@contextlib.contextmanager
def _conversation(options: dict[str, Any]) -> Iterator[Conversation]:
    """The conversation that the options want; its models are freed at the end."""
    from localfair.export.conversation import Wanted, converse
    from localfair.machine.hardware import limit_threads
    from localfair.machine.workspace import workspace_dir

    limit_threads(options["threads"])

    def say(line: str) -> None:
        echo(f"({line})", err=True)

    conversation = converse(Wanted(workspace=workspace_dir(), **options), say)
    try:
        echo(f"questions are put {conversation.words.source}; nothing is recorded", err=True)
        yield conversation
    finally:
        conversation.close()


def _lines(is_terminal: bool) -> Iterator[str]:
    """What the user writes, line by line, until it ends."""
    if not is_terminal:
        for line in _stdin():
            yield line.strip()
        return
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  lines can be edited where Python has it
    with contextlib.suppress(EOFError):
        while True:
            yield input("> ").strip()
    echo("")


def _stdin() -> io.TextIOBase | Any:
    """Standard input, in which bytes that are no text are seen as U+FFFD."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def _answer(conversation: Conversation, line: str, *, is_alone: bool) -> None:
    """Print the replies to a line, or why there is none: the conversation goes on."""
    try:
        _print_replies(conversation, line, is_alone=is_alone)
    except (PromptTooLong, PromptRefused, ReplyError, UsageError) as error:
        echo(f"error: {error.message}", f"hint: {error.hint}", err=True)


def _print_replies(conversation: Conversation, question: str, *, is_alone: bool) -> None:
    """Print each side's reply under its name; `is_alone` prints a reply as it is."""
    for side in conversation.sides:
        if not is_alone:
            echo(side.title.strip())
        _print_reply(conversation, side, question, indent="" if is_alone else "  ")


def _print_reply(
    conversation: Conversation, side: Side, question: str, indent: Literal["", "  "]
) -> None:
    shown = Pieces(indent)
    try:
        for piece in conversation.reply(side, question):
            shown.print(piece)
    except BaseException:
        if shown.is_begun:  # what comes next stands on a line of its own
            shown.end()
        raise
    shown.end()
