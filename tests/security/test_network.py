"""A whole run opens no connection and looks up no name beyond this machine, nor does any child."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

TEACHER = """
[[rule]]
when = ""
replies = ["Count the cups again, says {name}. The answer is 7. Score: [5]"]
"""
TABLE = "question,answer\n" + "".join(
    f"Of {n} cups {n - 7} break; how many are left?,7\n" for n in range(8, 16)
)
# Python imports this in every process that is started, children too. An audit hook cannot be taken
# off again, and sees what any library does through Python's own sockets.
GUARD = """
import os, sys

HERE = ("127.", "::1", "localhost")
LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")

def seen(text):
    with open(os.environ["GUARD_LOG"], "a") as log:
        log.write(text + "\\n")

def guard(event, arguments):
    if event in LOOK_UPS:
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host is None or host.startswith(HERE):
        return
    seen(f"{event} {host}")
    raise OSError(f"{event} {host}: this test has no network")

sys.addaudithook(guard)
seen("guarded")
"""


@pytest.fixture
def guarded(tmp_path):
    """Run Python under the guard; how it ended and what the guard has seen."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(GUARD)
    log = tmp_path / "guard.log"
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "cups.csv").write_text(TABLE)
    for name in ("anna", "bert"):
        (folder / f"{name}.script.toml").write_text(TEACHER.format(name=name))
    path = os.pathsep.join([str(site), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "GUARD_LOG": str(log), "OMP_NUM_THREADS": "1"}

    def run(*args, before=()):
        done = subprocess.run(
            [*before, sys.executable, *map(str, args)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done, log.read_text().splitlines()

    return run


def test_the_guard_sees_what_a_child_looks_up(guarded):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    _, log = guarded("-c", child, "import socket; socket.getaddrinfo('localfair.invalid', 80)")
    assert log == ["guarded", "guarded", "socket.getaddrinfo localfair.invalid"]


def quickstart(student):
    """A quickstart of few tokens on a table of its own."""
    settings = (
        "before.sampling.max_tokens=4",
        "exam.sampling.max_tokens=4",
        "after.sampling.max_tokens=4",
        "teach.write.rationale.demonstrations=0",
        "check.demonstrations=0",
    )
    seats = ("--student", student, "--teacher", "anna.script.toml", "--teacher", "bert.script.toml")
    changed = [word for setting in settings for word in ("--set", setting)]
    return ("run", "quickstart", *seats, "--task", "cups", *changed)


def has_namespaces():
    """Whether a network namespace can be made here: in it there is no route and no loopback."""
    if sys.platform != "linux":
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


def test_a_quickstart_and_what_is_done_with_its_record_stay_on_this_machine(guarded, tiny_student):
    """The quickstart itself without a route: `python -m tests.slow offline`."""
    imported = ("tasks", "import", "table", "cups.csv", "--as", "cups")
    commands = (
        imported,
        quickstart(tiny_student),
        ("export", "lessons", "--out", "lessons"),
        ("report", "--json"),
    )
    for command in commands:
        done, log = guarded("-m", "localfair", *command)
        assert done.returncode == 0, done.stderr
        assert set(log) == {"guarded"}
    pytest.importorskip("gguf")
    route = ("unshare", "-rn") if has_namespaces() else ()
    exported = ("export", "gguf", "--no-parity", "--out", "student")
    for command in (exported, ("report", "--json")):
        done, log = guarded("-m", "localfair", *command, before=route)
        assert done.returncode == 0, done.stderr
        assert set(log) == {"guarded"}
