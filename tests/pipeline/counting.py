"""How often a function is called, without changing it."""

import sys
from contextlib import contextmanager


@contextmanager
def counted(*functions):
    """How often each of the functions is called meanwhile, by its name."""
    counts = {function.__qualname__: 0 for function in functions}
    names = {function.__code__: function.__qualname__ for function in functions}

    def count(frame, event, argument):
        if event == "call" and frame.f_code in names:
            counts[names[frame.f_code]] += 1

    sys.setprofile(count)
    try:
        yield counts
    finally:
        sys.setprofile(None)
