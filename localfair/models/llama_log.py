"""What llama.cpp says while it works: kept for error messages, never printed."""

from __future__ import annotations

import ctypes
from collections import deque
from typing import Any

from llama_cpp import llama_cpp as low

ERROR = 4  # GGML_LOG_LEVEL_ERROR


_complaints: deque[str] = deque(maxlen=1)


def complaint() -> str:
    """`: ` and the last error that llama.cpp logged, or nothing. Asking forgets it."""
    return f": {_complaints.pop()}" if _complaints else ""


def silence() -> None:
    """From now on llama.cpp's log goes to `complaint`, not to stderr."""
    low.llama_log_set(_LISTENER, ctypes.c_void_p(0))


def _listen(level: int, text: bytes, user_data: Any) -> None:
    if level == ERROR:
        _complaints.append(text.decode(errors="replace").strip())


_LISTENER = low.llama_log_callback(_listen)  # kept here: llama.cpp has its address alone
