"""The moments around a commit, so that a test can end the process at each of them.

Whoever commits says when; nobody listens unless a test calls `listen`. Reads and writes nothing, and
no option or environment variable reaches it. Knows nothing of what is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

# Before one, all that was written since the last commit is lost with the process; after it, nothing.
Moment = Literal["before", "after"]
Listener = Callable[[Moment], None]


def nobody(moment: Moment) -> None:
    """Listen to nothing: what everybody but a test does."""


_listener: Listener = nobody


def listen(listener: Listener) -> None:
    """Call `listener` at every moment from now on, in this process: for tests alone."""
    global _listener
    _listener = listener


def commit_is(moment: Moment) -> None:
    """Say that a commit comes next, or that one was made."""
    _listener(moment)
