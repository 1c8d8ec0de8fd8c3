"""A laboratory with a finished run, which the tests of this room read and never change."""

import pytest

from tests.lab import Lab, teacher


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_student):
    """One run to its end: a teacher that scores low, another whose every other answer is wrong."""
    lab = Lab(tmp_path_factory.mktemp("finished"), tiny_student)
    strict = teacher(lab.folder, "strict", score=2)
    careless = teacher(lab.folder, "careless", answer="0")
    lab.teachers = (lab.teachers[0], careless, strict)
    lab.run(precision="fp32")
    return lab
