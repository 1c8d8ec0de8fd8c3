"""What the machine itself can be short of: each line fails for its own reason."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from localfair.pipeline import doctor_machine as machine
from localfair.pipeline.doctor_check import Check, Examination, Interpreter

GIB = 2**30
AVX512 = {"avx2", "avx512bw"}


@pytest.fixture
def examination(tmp_path) -> Examination:
    return Examination(workspace=tmp_path, db=tmp_path / "localfair.db")


def single(checks) -> Check:
    (check,) = checks
    return check


def test_this_machine_is_well(examination):
    for check in (machine.python_version, machine.port, machine.children, machine.offline):
        assert single(check(examination)).status == "ok"


@pytest.mark.parametrize(
    ("flags", "nvidia", "status", "words"),
    [
        (AVX512 | {"avx512_bf16"}, False, "ok", "AVX2, AVX-512, bf16; localfair computes in bf16"),
        (AVX512, False, "ok", "AVX2, AVX-512, no bf16; localfair computes in bf16"),
        ({"avx2"}, False, "ok", "no AVX-512, no bf16; localfair computes in fp32"),
        ({"avx2"}, True, "ok", "localfair computes in bf16"),
        ({"sse2"}, False, "warn", "no AVX2, no AVX-512, no bf16; localfair computes in fp32"),
    ],
)
def test_a_processor_is_told_with_the_precision_that_it_means(
    examination, flags, nvidia, status, words
):
    check = single(machine.processor(examination, "x86_64", flags, nvidia))
    assert check.status == status
    assert check.finding.endswith(words)


def test_another_architecture_is_named(examination):
    check = single(machine.processor(examination, "aarch64", {"asimd"}, False))
    assert (check.status, "aarch64" in check.finding) == ("ok", True)


@pytest.mark.parametrize(
    ("left", "status"), [(GIB // 2, "fail"), (2 * GIB, "warn"), (2**60, "ok"), ("max", "ok")]
)
def test_memory_is_what_the_control_group_leaves(examination, tmp_path, left, status):
    limit = left if left == "max" else left + 1000
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("1000\n")
    check = single(machine.memory(examination, tmp_path))
    by_machine = single(machine.memory(examination, tmp_path / "none")).status
    assert check.status == (by_machine if status == "ok" else status)
    assert ("control group" in check.finding) == (status != "ok")


def test_a_full_disk_and_little_space_are_told():
    limits = (machine.LEAST_SPACE, machine.LITTLE_SPACE)
    statuses = [machine.judged("disk", free, limits, "").status for free in (0, GIB, 9 * GIB)]
    assert statuses == ["fail", "warn", "ok"]


def test_a_folder_that_cannot_be_written_fails(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (Path("/proc"), tmp_path / "missing", tmp_path / "file"):
        check = machine.disk("disk", folder)
        assert check.status == "fail"
        assert check.finding.startswith(f"{folder} cannot be written (")


def test_trying_a_disk_leaves_nothing(examination, tmp_path):
    before = set(Path(tempfile.gettempdir()).glob(".localfair-doctor-*"))
    list(machine.disks(examination))
    assert list(tmp_path.iterdir()) == []
    assert set(Path(tempfile.gettempdir()).glob(".localfair-doctor-*")) <= before


def test_an_address_that_is_not_this_machine_fails(examination):
    check = single(machine.port(examination, "192.0.2.1"))
    assert check.status == "fail"
    assert "Cannot assign requested address" in check.finding


def test_a_switch_that_a_child_does_not_see_fails(tmp_path):
    examination = Examination(
        workspace=tmp_path,
        db=tmp_path / "localfair.db",
        interpreter=Interpreter(environment={"HF_HUB_OFFLINE": "0"}),
    )
    check = single(machine.offline(examination))
    assert (check.status, check.finding) == ("fail", "not as they must be: HF_HUB_OFFLINE")


def test_where_no_process_can_be_started_each_line_says_so(tmp_path):
    nowhere = Interpreter(executable=str(tmp_path / "python"))
    examination = Examination(workspace=tmp_path, db=tmp_path / "a.db", interpreter=nowhere)
    for check in (machine.children, machine.offline):
        told = single(check(examination))
        assert told.status == "fail"
        assert told.finding == "a process cannot be started (No such file or directory)"
