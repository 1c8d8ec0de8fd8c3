"""What can go wrong through no fault of ours, each with a message and a hint.

    LocalfairError                 exit 2 unless said otherwise
    ├── UsageError                 a command line that cannot be carried out as given
    ├── RecipeError                a recipe that is not valid; carries *all* its errors
    ├── ModelError
    │   ├── UnknownModel           no card of that name
    │   ├── MissingWeights         a card, but no file
    │   ├── CorruptWeights         a file whose size, sha256 or header is not what it must be
    │   └── PromptRefused          a chat template that refuses the messages of one request
    ├── TaskError
    │   ├── UnknownTask
    │   └── BadDataset             a data file in the wrong layout; names the file and line
    ├── StoreError
    │   ├── NoDatabase             the record does not exist
    │   ├── NewerDatabase          written by a later localfair
    │   └── DatabaseBusy           another run holds it
    ├── EngineError
    │   ├── MissingDependency      an extra is not installed; the hint says which
    │   ├── PromptTooLong          a prompt that does not fit the context; names the question
    │   ├── ReplyError             exit 1: one request that was not answered as it should be
    │   ├── CallsFailed            exit 1: the run came to its end, with calls that failed
    │   ├── TooManyFailed          exit 1: more calls of a step failed than are allowed
    │   └── EngineDied             exit 1: the engine failed under us
    │       └── OutOfMemory        exit 1: even one sequence at a time was too much
    ├── TrainingError              lessons or a base model that cannot be trained on
    ├── NetworkRefused             something asked for the network without the user's word
    ├── BundleError                a bundle that is damaged, not whole, or does not fit where it shall go
    ├── DiskFull                   exit 1
    └── Interrupted                exit 130: Ctrl-C; the record is good
        └── Terminated             exit 143: SIGTERM

Reads and writes nothing. An error that a user cannot cause is an assertion, not one of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LocalfairError(Exception):
    """One line for the person, and one hint that says what to do about it."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LocalfairError):
    """The command line asks for something that cannot be done."""


class RecipeError(LocalfairError):
    """A recipe that is not valid; `problems` holds every error found, one line each."""

    def __init__(self, message: str, hint: str = "", problems: Iterable[str] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class ModelError(LocalfairError):
    """A model card or its weights."""


class UnknownModel(ModelError):
    """No card has that name."""


class MissingWeights(ModelError):
    """The card is there, its file is not."""


class CorruptWeights(ModelError):
    """The file is there and is not what the card (or its own header) says."""


class PromptRefused(ModelError):
    """A chat template refuses the messages of one request; it may well take those of others."""


class TaskError(LocalfairError):
    """A task or its questions."""


class UnknownTask(TaskError):
    """No task has that name."""


class BadDataset(TaskError):
    """A data file that is not in the layout its authors publish."""


class StoreError(LocalfairError):
    """The record."""


class NoDatabase(StoreError):
    """There is no database at the path."""


class NewerDatabase(StoreError):
    """The database was written by a later version."""


class DatabaseBusy(StoreError):
    """Another process is writing to the database."""


class EngineError(LocalfairError):
    """An engine that generates or scores."""


class MissingDependency(EngineError):
    """An optional package is not installed."""


class PromptTooLong(EngineError):
    """A prompt and its reply do not fit the model's context; nothing is ever cut silently."""


class ReplyError(EngineError):
    """One request failed: no reply came, or one that cannot be read. Others may well succeed.

    `raw` holds the first bytes of what came, without the endpoint's key. `retryable` says whether
    asking again may help.
    """

    exit_code = 1

    def __init__(
        self, message: str, hint: str = "", *, raw: bytes = b"", retryable: bool = False
    ) -> None:
        super().__init__(message, hint)
        self.raw = raw
        self.retryable = retryable


class CallsFailed(EngineError):
    """A run that did all its steps, without the replies to calls that failed; `run` is its id."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, run: str | None = None) -> None:
        super().__init__(message, hint)
        self.run = run


class TooManyFailed(EngineError):
    """More calls of a step failed than are allowed, so the run stopped."""

    exit_code = 1


class EngineDied(EngineError):
    """The engine failed while working."""

    exit_code = 1


class OutOfMemory(EngineDied):
    """Memory was too short, even for one sequence at a time."""


class TrainingError(LocalfairError):
    """Lessons or a base model that cannot be trained on."""


class NetworkRefused(LocalfairError):
    """Something wanted the network and the user did not say so."""


class BundleError(LocalfairError):
    """A bundle is damaged, not whole, or does not fit where it shall go."""


class DiskFull(LocalfairError):
    """No space left; everything recorded before is safe."""

    exit_code = 1


class Interrupted(LocalfairError):
    """Ctrl-C. Every finished generation is on disk."""

    exit_code = 130


class Terminated(Interrupted):
    """SIGTERM: the system, or somebody, asked for an end."""

    exit_code = 143


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean X?` for the closest known name, or the list of them all."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
