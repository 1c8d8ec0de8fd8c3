"""What `localfair doctor` says of the machine itself: Python, processor, memory, disk, ports,
processes, the network's switches.

Reads what the system says, and writes a file into a temporary folder of each place that is tried.
Knows nothing of models and of the record's rows.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from localfair.machine.files import disk_is_full
from localfair.machine.hardware import (
    CPUINFO,
    NVIDIA,
    X86,
    cpu_flags,
    fast_precision,
    physical_cores,
    processor_name,
)
from localfair.machine.offline import SWITCHES
from localfair.pipeline.doctor_check import Check, Examination, ProbeFailed, fail, ok, warn

LOOPBACK = "127.0.0.1"
GIB = 2**30
LITTLE_MEMORY = 4 * GIB  # free; below it a student and two small teachers get tight (ours)
LEAST_MEMORY = GIB  # free; torch and the smallest student take about as much (ours)
LITTLE_SPACE = 5 * GIB  # weights, their dequantised copy and adapters of a small run (ours)
LEAST_SPACE = GIB // 4  # a record and nothing else (ours)
MEMORY_OF_GROUP = Path("/sys/fs/cgroup")
TRIAL = 2**20  # bytes that are written to a disk to try it


def python_version(examination: Examination) -> Iterator[Check]:
    """Which Python runs, and on what."""
    library, version = platform.libc_ver()
    libc = f"{library} {version}" if library else "no glibc"
    where = f"{platform.system()} {platform.machine()}, {libc}"
    finding = f"{platform.python_implementation()} {platform.python_version()} on {where}"
    if sys.platform == "linux":
        yield ok("python", finding)
    else:
        yield warn(
            "python", finding, "localfair is tested on Linux; what fails here is worth a report"
        )


def processor(
    examination: Examination,
    architecture: str = "",
    flags: Collection[str] | None = None,
    nvidia: bool | None = None,
) -> Iterator[Check]:
    """What the processor can do, and the precision that is fast on this machine.

    What is left out is asked of the machine.
    """
    architecture = architecture or platform.machine()
    flags = cpu_flags(CPUINFO) if flags is None else flags
    nvidia = has_nvidia() if nvidia is None else nvidia
    precision = fast_precision(architecture, flags, nvidia)
    name = processor_name(CPUINFO) or architecture
    can = _abilities(architecture, flags or ())
    cores = physical_cores()
    counted = "1 core" if cores == 1 else f"{cores} cores"
    finding = f"{name}, {counted}, {can}; localfair computes in {precision}"
    if architecture in X86 and flags is not None and "avx2" not in flags:
        yield warn(
            "processor",
            finding,
            "without AVX2 models are many times slower: take the smallest, or another machine",
        )
    else:
        yield ok("processor", finding)


def _abilities(architecture: str, flags: Collection[str]) -> str:
    if architecture not in X86 or not flags:
        return architecture
    abilities = {
        "AVX2": "avx2" in flags,
        "AVX-512": "avx512bw" in flags,
        "bf16": "avx512_bf16" in flags or "amx_bf16" in flags,
    }
    return ", ".join(name if has else f"no {name}" for name, has in abilities.items())


def has_nvidia() -> bool:
    """Whether there is an NVIDIA device."""
    return any(device.exists() for device in NVIDIA)


def memory(examination: Examination, group: Path = MEMORY_OF_GROUP) -> Iterator[Check]:
    """How much memory is free. `group` is the folder of this process's control group."""
    import psutil

    machine = psutil.virtual_memory()
    free = machine.available
    finding = f"{free / GIB:.1f} of {machine.total / GIB:.1f} GiB free"
    left = memory_of_group(group)
    if left is not None and left < free:
        free = left
        finding = f"{free / GIB:.1f} GiB free, by the limit of its control group"
    yield judged("memory", free, (LEAST_MEMORY, LITTLE_MEMORY), finding)


def memory_of_group(group: Path) -> int | None:
    """Bytes that a control group (version 2) may still take; None where it has no limit."""
    try:
        limit = (group / "memory.max").read_text().strip()
        used = (group / "memory.current").read_text().strip()
    except OSError:
        return None
    return max(0, int(limit) - int(used)) if limit.isdigit() else None


def judged(name: str, free: int, limits: tuple[int, int], finding: str) -> Check:
    """A check of so many free bytes; limits are the least, and what is little."""
    least, little = limits
    if free < least:
        return fail(name, finding, f"free at least {least / GIB:.2g} GiB")
    if free < little:
        return warn(name, finding, f"{little / GIB:.2g} GiB and more are comfortable")
    return ok(name, finding)


def disks(examination: Examination) -> Iterator[Check]:
    """The space of the workspace and of temporary files."""
    yield disk("disk of the workspace", examination.workspace)
    name = "disk of temporary files"
    folder = Path(tempfile.gettempdir())
    wanted = os.environ.get("TMPDIR")
    if wanted and Path(wanted).absolute() != folder.absolute():
        # Python looks for another folder without a word
        yield fail(
            name,
            f"TMPDIR is {wanted}, which cannot be written; {folder} is taken instead",
            "set TMPDIR to a folder with room that you may write to",
        )
        return
    yield disk(name, folder)


def disk(name: str, folder: Path) -> Check:
    """The free space of a folder, once a file was written there and removed."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".localfair-doctor-") as trial:
            _write(Path(trial) / "trial")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        hint = "choose a folder that you may write to: LOCALFAIR_WORKSPACE, or TMPDIR"
        if disk_is_full(error):
            hint = f"free at least {LEAST_SPACE / GIB:.2g} GiB there"
        return fail(name, f"{folder} cannot be written ({error.strerror or error})", hint)
    return judged(name, free, (LEAST_SPACE, LITTLE_SPACE), f"{free / GIB:.1f} GiB free, written to")


def _write(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\0" * TRIAL)
        file.flush()
        os.fsync(file.fileno())


def offline(examination: Examination) -> Iterator[Check]:
    """Whether a child of localfair sees the variables that keep libraries off the network."""
    name = "offline variables"
    try:
        seen = examination.interpreter.ask_once("environment", *SWITCHES)
    except ProbeFailed as failed:
        yield cannot_start(name, failed)
        return
    wrong = [variable for variable, value in SWITCHES.items() if seen[variable] != value]
    if wrong:
        yield fail(
            name,
            f"not as they must be: {', '.join(wrong)}",
            "something in this Python changes them: look for a sitecustomize or a .pth file",
        )
    else:
        yield ok(name, f"all {len(SWITCHES)} are set, children inherit them")


def port(examination: Examination, host: str = LOOPBACK) -> Iterator[Check]:
    """Whether a server of ours could listen on this machine alone, and be reached."""
    try:
        with socket.create_server((host, 0)) as server:
            server.settimeout(5)
            address = server.getsockname()
            with socket.create_connection(address, timeout=5) as client:
                client.sendall(b"localfair")
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(5)
                    heard = connection.recv(16)
    except OSError as error:
        yield fail(
            "port",
            f"no port of {host} can be served and reached ({error.strerror or error})",
            "let this machine talk to itself: loopback up, no firewall on it",
        )
        return
    assert heard == b"localfair"
    yield ok("port", f"a free port of {host} was served and reached")


def children(examination: Examination) -> Iterator[Check]:
    """Whether processes can be started: servers, templates and the trials below run in such."""
    try:
        answer = examination.interpreter.ask_once("hello")
    except ProbeFailed as failed:
        yield cannot_start("children", failed)
        return
    yield ok("children", f"a process was started: Python {answer['python']}")


def cannot_start(name: str, failed: ProbeFailed) -> Check:
    """A check whose process did not answer though it loads nothing."""
    return fail(
        name, failed.reason, "let this user start processes: `ulimit -u`, the sandbox, its memory"
    )
