"""llama.cpp's log: its last error is kept for error messages, and nothing of it is printed.

Loads llama.cpp when imported. Writes nothing.
"""

from __future__ import annotations

import ctypes
from collections import deque

from llama_cpp import llama_cpp as low

ERROR = 4  # GGML_LOG_LEVEL_ERROR

# llama.cpp has one log for a process, so its last error is kept once for the process too
_errors: deque[str] = deque(maxlen=1)


def complaint() -> str:
    """`: ` and the last error that llama.cpp logged, or nothing. Asking forgets it."""
    return f": {_errors.pop()}" if _errors else ""


def silence() -> None:
    """From now on llama.cpp's log goes to `complaint`, not to stderr."""
    low.llama_log_set(_CALLBACK, ctypes.c_void_p(0))


def _keep_error(level: int, text: bytes, user_data: object) -> None:
    if level == ERROR:
        _errors.append(text.decode(errors="replace").strip())


# llama.cpp holds the address alone: this reference keeps Python from freeing the function
_CALLBACK = low.llama_log_callback(_keep_error)
