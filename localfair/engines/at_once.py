"""How many sequences an engine runs at once: fewer when memory is too short for as many as wanted.

Warns on stderr. Knows nothing of engines.
"""

from __future__ import annotations

import re

from localfair.errors import OutOfMemory
from localfair.machine.terminal import warn

# llama.cpp, CUDA, PyTorch, vLLM and the servers in front of them
WORDS = re.compile(
    r"out of (device )?memory|not enough (free )?memory|can.t allocate memory|"
    r"cannot allocate memory|insufficient memory|failed to allocate|OutOfMemory",
    re.I,
)


def tells_of_memory(text: str) -> bool:
    """Whether an error's words say that memory was too short."""
    return WORDS.search(text) is not None


class AtOnce:
    """How many run at once: halved each time that memory is too short, which is said once."""

    def __init__(self, who: str, most: int) -> None:
        self.who = who
        self.most = max(1, most)
        self._is_said = False

    def halve(self, error: BaseException, running: int | None = None) -> None:
        """Run half as many from now on: half of `running`, where fewer than `most` did.

        Raises OutOfMemory when it was one.
        """
        running = min(self.most, running or self.most)
        if running <= 1:
            words = " ".join(str(error).split())[:300]
            raise OutOfMemory(
                f"{self.who} has too little memory for one sequence at a time: {words}",
                "close other programs, lower max_tokens, or use a smaller model",
            ) from error
        self.most = running // 2
        if not self._is_said:
            self._is_said = True
            warn(f"{self.who} has too little memory for {running} at once; fewer go on")
