"""The network's switches are set whatever they were, and children inherit them."""

import os
import subprocess
import sys

from localfair.machine.offline import SWITCHES, go_offline


def test_every_switch_is_set_whatever_it_was(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    go_offline()
    assert SWITCHES.items() <= os.environ.items()


def test_how_tokenizers_run_is_left_to_the_user(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    go_offline()
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def test_importing_localfair_sets_them_before_anything_else_loads():
    script = "import os, localfair; print(os.environ['HF_HUB_OFFLINE'])"
    without = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    child = subprocess.run(
        [sys.executable, "-c", script], env=without, capture_output=True, text=True, check=True
    )
    assert child.stdout == "1\n"
