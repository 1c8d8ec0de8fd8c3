"""Rows say on what they were measured, by the driver's own words."""

import os

from tests.gpu.machine import PACKAGES, about, card_facts, commit
from tests.gpu.memory import MIB, held_by_this_process


def driver(folder, monkeypatch, prints, code=0):
    """An nvidia-smi that prints a text, before every other on the path."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{prints}'\nexit {code}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_first_card_is_named_with_its_driver(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, "NVIDIA H100 80GB HBM3, 580.65.06, 81559 MiB, 9.0")
    assert card_facts() == {
        "name": "NVIDIA H100 80GB HBM3",
        "driver_version": "580.65.06",
        "memory.total": "81559 MiB",
        "compute_cap": "9.0",
    }
    assert about()["card"] == "NVIDIA H100 80GB HBM3"
    assert about()["driver"] == "580.65.06"


def test_a_driver_that_fails_is_no_card(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, "No devices were found", code=6)
    assert card_facts() == {}
    assert about()["card"] == "none"


def test_every_package_has_a_version_or_is_said_to_be_missing():
    facts = about()
    assert all(facts[package] for package in PACKAGES)
    assert facts["command"].startswith("python -m tests.gpu")


def test_the_commit_can_be_given_where_there_is_no_git(monkeypatch):
    monkeypatch.setenv("LOCALFAIR_COMMIT", "abc1234")
    assert commit() == "abc1234"


def test_what_this_process_holds_of_a_card_is_told_from_what_others_hold(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, f"1, 9000\n{os.getpid()}, 700\n2, [N/A]")
    assert held_by_this_process() == 700 * MIB


def test_all_that_is_in_use_is_taken_where_the_driver_names_no_processes(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, "1024")
    assert held_by_this_process() == 1024 * MIB
