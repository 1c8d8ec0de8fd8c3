"""A managed server leaves nothing behind, whatever ends it; and says what happened."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from localfair.engines import server
from localfair.engines.server import Launch, ServerFailed, start
from localfair.errors import EngineDied
from localfair.machine.offline import SWITCHES
from tests.engines import stub_server
from tests.engines.stub_server import Stub, models

STUB = stub_server.__file__
SLEEP = ["sh", "-c", "echo $$; exec sleep 600"]  # it tells its process id and serves nothing


def launch(command=None, **options):
    """The stub, or another command, with a short grace."""
    usual = {
        "name": "the stub",
        "served": "me",
        "key_variable": "STUB_KEY",
        "deadline": 20.0,
        "grace": 0.3,
    }
    return Launch(command=command or stub_command, **usual | options)


def stub_command(port):
    return [sys.executable, STUB, str(port), "me"]


@pytest.fixture(autouse=True)
def temporary_folders(monkeypatch, tmp_path):
    """Temporary folders lie where they can be counted."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def running():
    server = start(launch())
    yield server
    server.stop()


def alive(pid):
    """Whether a process is there; one that has ended and waits to be reaped is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids(running):
    """The server's own pid and its child's."""
    child = child_in(running.log)
    state_and_parent = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return [int(state_and_parent[1]), child]


def child_in(log):
    """The pid that a stub wrote of its child."""
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("child")]
    return int(line.split()[1])


def gone(processes, seconds=10):
    until = time.monotonic() + seconds
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, processes))


def test_a_server_is_in_a_session_of_its_own_on_loopback_with_a_key_and_the_network_off(running):
    parent, child = pids(running)
    assert os.getsid(parent) == os.getsid(child) != os.getsid(0)
    variables = Path(f"/proc/{parent}/environ").read_text().split("\0")
    environment = dict(variable.split("=", 1) for variable in variables if "=" in variable)
    assert SWITCHES.items() <= environment.items()
    assert len(environment["STUB_KEY"]) >= 24
    assert environment["STUB_KEY"] not in Path(f"/proc/{parent}/cmdline").read_text()
    assert running.url.startswith("http://127.0.0.1:")


def test_stopping_waits_until_nothing_is_left_even_of_what_ignores_an_interrupt(running, tmp_path):
    processes = pids(running)
    running.stop()
    assert not any(map(alive, processes))
    running.stop()
    assert list(tmp_path.glob("localfair-server-*")) == []


def test_a_server_that_is_killed_is_an_error_with_its_log_and_its_children_go_with_it(running):
    parent, child = pids(running)
    os.kill(parent, signal.SIGKILL)
    assert gone([parent, child])
    running._guardian.wait(10)
    with pytest.raises(ServerFailed, match=r"died \(signal 9\)") as died:
        running.client.get("/v1/models")
    assert "stub says hello" in "\n".join(died.value.problems)
    assert str(running.log) in died.value.hint


PARENT = """
import sys, time
from localfair.engines import server
command = lambda port: [sys.executable, sys.argv[1], str(port), "me"]
launch = server.Launch(name="s", served="me", key_variable="K", command=command, grace=0.3)
running = server.start(launch)
print(running.log, running._guardian.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_server_survives_its_parent_whatever_ended_it(number, tmp_path):
    command = [sys.executable, "-c", PARENT, STUB]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        log, guardian = parent.stdout.readline().split()
        child = child_in(Path(log))
        parent.send_signal(number)
    assert gone([child, int(guardian)], seconds=20)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a signal at a parent's death")
def test_no_server_survives_its_guardian(running):
    parent, child = pids(running)
    running._guardian.kill()
    assert gone([parent])
    with pytest.raises(EngineDied, match="guardian"):
        running.client.get("/v1/models")
    assert gone([child])


def test_another_program_on_its_port_is_never_taken_for_it():
    taken = pytest.raises(ServerFailed, match="its port is taken")
    with Stub(lambda path, body: (200, models("somebody else"))) as other, taken as failed:
        start(launch(port=int(other.url.rpartition(":")[2])))
    assert "in use" in "\n".join(failed.value.problems)


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(tmp_path):
    failing = [sys.executable, "-c", "print('no such model'); raise SystemExit(3)"]
    with pytest.raises(ServerFailed, match=r"before it was ready \(exit status 3\)") as failed:
        start(launch(lambda port: failing))
    assert failed.value.problems == ("no such model",)
    assert len(list(tmp_path.glob("localfair-server-*/server.log"))) == 1


def test_a_server_that_is_never_ready_is_ended_at_its_deadline():
    with pytest.raises(ServerFailed, match="not ready after 0 s") as failed:
        start(launch(lambda port: SLEEP, deadline=0.4))
    (group,) = failed.value.problems
    with pytest.raises(ProcessLookupError):
        os.killpg(int(group), 0)


def test_every_server_gets_a_free_port_and_another_key(running):
    other = start(launch())
    try:
        assert other.url != running.url and other.client.key != running.client.key
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", server.free_port()))
    finally:
        other.stop()


NVIDIA_SMI = """#!/bin/sh
head -n 1 {readings}
sed -i 1d {readings}
"""


@pytest.fixture
def readings(monkeypatch, tmp_path):
    """What a GPU's driver will say is in use, MiB a line: each is read once, with an nvidia-smi."""
    path = tmp_path / "readings"
    smi = tmp_path / "nvidia-smi"
    smi.write_text(NVIDIA_SMI.format(readings=path))
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return path


def test_the_next_start_waits_until_gpu_memory_is_back(readings):
    readings.write_text("50\n5000\n5000\n100\n")
    running = start(launch())
    assert readings.read_text() == "5000\n5000\n100\n"
    running.stop()
    assert readings.read_text() == ""
