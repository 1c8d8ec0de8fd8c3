"""The network's switches are set whatever they were, and children inherit them."""

import os
import subprocess
import sys

import pytest

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


def in_a_new_process(script):
    """What a script prints in a process that has none of the switches."""
    without = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    return subprocess.run(
        [sys.executable, "-c", script], env=without, capture_output=True, text=True, check=True
    ).stdout


def test_importing_localfair_changes_nothing():
    script = """
import os
before = dict(os.environ)
import localfair, localfair.cli, localfair.pipeline.runs, localfair.engines
print(dict(os.environ) == before, localfair.run.__name__, dict(os.environ) == before)
"""
    assert in_a_new_process(script) == "True run True\n"


MODEL = """
import os, pathlib, tempfile, localfair
path = pathlib.Path(tempfile.mkdtemp()) / "m.script.toml"
path.write_text('[[rule]]\\nwhen = ""\\nreplies = ["Yes."]')
{call}
print(os.environ.get("HF_HUB_OFFLINE"))
"""


@pytest.mark.parametrize(
    ("call", "switch"),
    [
        ("localfair.load(str(path))", "1"),
        ("localfair.ask('q', model=str(path), db=path.parent / 'none.db')", "1"),
        ("localfair.load(str(path), offline=False)", "None"),
        ("localfair.ask('q', model=str(path), db=path.parent / 'none.db', offline=False)", "None"),
        ("localfair.load(str(path), offline=False); localfair.load(str(path))", "1"),
    ],
)
def test_the_first_load_sets_them_unless_told_otherwise(call, switch):
    assert in_a_new_process(MODEL.format(call=call)) == f"{switch}\n"


def test_a_command_line_sets_them_before_anything_else():
    script = """
import os
from localfair.cli import main
try:
    main(["recipes", "list"])
except SystemExit:
    print(os.environ["HF_HUB_OFFLINE"])
"""
    assert in_a_new_process(script).endswith("\n1\n")
