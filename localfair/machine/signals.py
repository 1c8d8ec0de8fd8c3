"""A polite end by the system: SIGTERM ends a block as Ctrl-C does, and both can be held off.

Within `terminate_raises` a signal raises in the main thread, between any two lines. What must not be
torn apart stands within `held`: the signal raises at its end. What may take long stands within
`let_through` there. Reads and writes nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminate(KeyboardInterrupt):
    """SIGTERM came. Whatever is ready for Ctrl-C is ready for it."""


class _Held:
    """Whether signals are held off now, and the one that came meanwhile."""

    is_on = False
    came: KeyboardInterrupt | None = None


@contextmanager
def terminate_raises() -> Iterator[None]:
    """Within it, SIGTERM raises Terminate in the main thread; outside it does what it did before.

    Ctrl-C raises KeyboardInterrupt as ever, where it does. In another thread nothing changes:
    Python lets the main one alone handle signals.
    """
    if not _is_main():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    interrupt = signal.getsignal(signal.SIGINT)
    raises = interrupt is signal.default_int_handler  # else somebody wants it ignored, or otherwise
    if raises:
        signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        # None: the handler was not set from Python, and cannot be set again
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
        if raises:
            signal.signal(signal.SIGINT, interrupt)


@contextmanager
def held() -> Iterator[None]:
    """Within it, a signal that would raise waits until the block ends."""
    if not _is_main():
        yield
        return
    before = _Held.is_on
    _Held.is_on = True
    try:
        yield
    finally:
        _Held.is_on = before
        _raise_what_came()


@contextmanager
def let_through() -> Iterator[None]:
    """Within it, a signal raises at once, also inside of `held`."""
    if not _is_main() or not _Held.is_on:
        yield
        return
    _Held.is_on = False
    try:
        _raise_what_came()
        yield
    finally:
        _Held.is_on = True


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _raise_what_came() -> None:
    came = _Held.came
    if came is not None and not _Held.is_on:
        _Held.came = None
        raise came


def _raise(number: int, frame: FrameType | None) -> None:
    error = Terminate() if number == signal.SIGTERM else KeyboardInterrupt()
    if not _Held.is_on:
        raise error
    _Held.came = error
