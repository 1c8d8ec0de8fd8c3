"""The command does every part at toy size on the CPU, and a part that fails leaves the others alone."""

import json
import os
import subprocess
import sys
from threading import Barrier

import pytest

from tests.gpu.__main__ import main
from tests.gpu.machine import ROOT
from tests.gpu.parts import Part, parts
from tests.gpu.results import Outcome, Results
from tests.gpu.runner import done, is_running, run_limited
from tests.gpu.setting import Setting

# part -> what the first of its rows must say
SAYS = {
    "facts": ("bitsandbytes NF4", "relative_error"),
    "qlora": ("NF4 QLoRA", "losses"),
    "resume": ("killed and resumed", "equal_tensors"),
    "cards": ("16 tokens, batch 1, whole card", "peak_bytes"),
    "pace": ("toy, 16 tokens", "tokens_per_second"),
    "quickstart": ("localfair run quickstart", "after"),
    "generation": ("llama_cpp, 2 sequences", "written_tokens_per_second"),
    "pipeline-over-engine": ("pipeline-over-engine", "median"),
    "batched-over-serial": ("batched-over-serial BF16", "median"),
    "reviews": ("reasoned reviews, load included", "seconds"),
    "svamp": ("localfair run", "after"),
}
MACHINE = {
    "card": "none",
    "driver": "none",
    "processor": "",
    "python": "",
    "date": "2026-11-26",
    "commit": "",
    "torch": "",
    "bitsandbytes": "",
    "transformers": "",
    "peft": "",
    "trl": "",
    "llama-cpp-python": "",
}


def outcome(status, **row):
    rows = [{"name": "row", "measures": row, "note": ""}]
    return Outcome(status=status, reason="", seconds=1.0, rows=rows, machine=MACHINE)


def begun(folder, *options):
    """The command at toy size, as a user starts it, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.gpu", "--toy", "--out", str(folder / "gpu.json")]
    return subprocess.Popen(
        [*command, "--work", str(folder / "work"), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_part_runs_at_toy_size_and_is_not_done_again(tmp_path):
    pytest.importorskip("llama_cpp")
    pytest.importorskip("bitsandbytes")
    chosen = {"first": [], "others": []}
    for part in parts(True):
        chosen["first" if part.half == "first" else "others"].append(part)
    both = {}  # two at once: most of the time goes into loading libraries
    for folder, listed in chosen.items():
        names = dict.fromkeys(part.name for part in listed)
        both[folder] = begun(tmp_path / folder, "--parts", *names)
    for folder, command in both.items():
        command.communicate()
        results = Results(tmp_path / folder / "gpu.json")
        failed = {key: part["reason"] for key, part in results.parts.items() if part["reason"]}
        assert (failed, command.returncode) == ({}, 0)
        assert list(results.parts) == [part.key(True) for part in chosen[folder]]
        for key, part in results.parts.items():
            assert_measured(key, part)
    again = begun(tmp_path / "first", "--half", "first")
    table, said = again.communicate()
    assert again.returncode == 0
    assert said.count("done before") == len(chosen["first"])
    assert table.startswith("card: none, driver none")


def assert_measured(key, part):
    """A part says what it must, and on what it was measured."""
    name, measure = SAYS[key.split()[0]]
    named = [row["measures"] for row in part["rows"] if row["name"].startswith(name)]
    assert any(measure in measures for measures in named)
    assert {"card", "driver", "torch", "date", "command", "commit"} <= part["machine"].keys()


def test_a_part_that_fails_is_a_row_with_its_reason_and_is_done_again(tmp_path):
    part = Part(
        name="facts", half="first", module="nothing", function="facts", seconds=60, about=""
    )
    setting = Setting(work=tmp_path, data=tmp_path, toy=True)
    # the child knows parts by their title alone: it does the real one, for a second
    results = Results(tmp_path / "gpu.json")
    results.add("facts", done(part, setting, seconds=1))
    assert results.parts["facts"]["status"] == "out of time"
    assert "killed after" in results.parts["facts"]["reason"]
    assert not results.is_done("facts")


def test_the_reason_of_a_failure_is_the_last_line_that_it_said(tmp_path):
    part = Part(name="none", half="first", module="", function="", seconds=60, about="")
    failed = done(part, Setting(work=tmp_path, data=tmp_path, toy=True), seconds=60)
    assert failed.status == "failed"
    assert failed.reason.startswith("ValueError")


def test_at_its_limit_a_part_is_killed_with_all_that_it_started(tmp_path):
    grandchild = tmp_path / "grandchild"
    code = (
        "import subprocess, sys, time;"
        "each = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True);"
        f"open({str(grandchild)!r}, 'w').write(str(each.pid)); time.sleep(60)"
    )
    log = tmp_path / "log"
    assert run_limited([sys.executable, "-c", code], log, 3, dict(os.environ)) is None
    assert not is_running(int(grandchild.read_text()))


def test_with_too_little_time_left_no_part_is_begun(tmp_path, capsys):
    out = tmp_path / "gpu.json"
    code = main(["--toy", "--out", str(out), "--work", str(tmp_path), "--minutes", "0.1"])
    assert code == 1
    assert not out.exists()
    assert "left for the next command" in capsys.readouterr().err


def test_results_are_kept_and_toy_rows_are_no_measurements(tmp_path):
    results = Results(tmp_path / "gpu.json")
    results.add("cards shape 4B", outcome("done", peak_bytes=2**31))
    results.add("cards shape toy (toy)", outcome("done", peak_bytes=1))
    results.add("facts", outcome("failed"))
    kept = Results(tmp_path / "gpu.json")
    assert kept.rows("cards") == [{"peak_bytes": 2**31}]
    assert kept.is_done("cards shape 4B")
    assert not kept.is_done("facts")
    assert "| cards shape 4B | row | peak 2 GiB |" in kept.markdown()


def test_the_list_of_parts_begins_with_what_is_worth_most():
    titles = [part.title for part in parts(False)]
    assert titles[:3] == ["facts", "qlora", "resume"]
    assert len(titles) == len(set(titles)) == 20
    seconds = {}  # the cards are done at once
    for part in parts(False):
        if part.half == "first":
            seconds[part.name if part.shares else part.title] = part.seconds
    assert sum(seconds.values()) <= 30 * 60


def test_parts_that_share_the_card_are_done_at_once_and_others_alone(tmp_path, monkeypatch):
    at_once = Barrier(5, timeout=10)  # of the cards: each waits for the others
    running = []

    def stand_in(part, setting, seconds):
        running.append(part.name)
        if part.shares:
            at_once.wait()
        else:
            assert running == [part.name]
        running.remove(part.name)
        return outcome("done")

    monkeypatch.setattr("tests.gpu.__main__.done", stand_in)
    monkeypatch.setattr("tests.gpu.__main__.card_facts", lambda: {"name": "a card"})
    out = tmp_path / "gpu.json"
    names = ("resume", "cards", "pace", "quickstart")
    assert main(["--out", str(out), "--work", str(tmp_path), "--parts", *names]) == 0
    keys = list(Results(out).parts)
    assert (keys[0], keys[-2:]) == ("resume", ["pace", "quickstart"])
    assert len(keys) == 8


def test_help_loads_neither_torch_nor_bitsandbytes():
    code = (
        "import sys; from tests.gpu.__main__ import arguments; arguments().format_help();"
        "import json; print(json.dumps([m for m in ('torch', 'bitsandbytes') if m in sys.modules]))"
    )
    done_ = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done_.stdout) == []
