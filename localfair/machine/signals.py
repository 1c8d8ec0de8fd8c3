"""A polite end by the system: SIGTERM ends a block as Ctrl-C does.

Reads and writes nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Terminate(KeyboardInterrupt):
    """SIGTERM came. Whatever is ready for Ctrl-C is ready for it."""


@contextmanager
def terminate_raises() -> Iterator[None]:
    """Within it, SIGTERM raises Terminate in the main thread; outside it does what it did before.

    In another thread nothing changes: Python lets the main one alone handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        # None: the handler was not set from Python, and cannot be set again
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminate
