"""What the tests of exports share: one student trained from lessons, real weights,
and no network.
"""

from __future__ import annotations

import json
import socket

import pytest

from tests.export.exporting import TrainedLab
from tests.models.conftest import real_weights  # noqa: F401


@pytest.fixture(scope="session")
def taught(tmp_path_factory, tiny_student) -> TrainedLab:
    """A laboratory whose student one run has trained. Tests add exports and change nothing else."""
    lab = TrainedLab(tmp_path_factory.mktemp("taught"), tiny_student)
    with lab.data.open("a") as file:
        # one dev question comes with the laboratory, items 50 to 68 make it 20
        for number in range(50, 69):
            question = {
                "question": f"What is the code of item {number}?",
                "answer": str(number),
                "split": "dev",
            }
            file.write(json.dumps(question) + "\n")
    lab.run(precision="fp32")
    return lab


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch):
    """Exporting needs no network: whatever opens a socket fails."""

    def refused(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
