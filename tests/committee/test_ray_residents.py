"""What is refused before anything is asked on a cluster."""

from dataclasses import replace
from pathlib import Path

import pytest

from localfair.committee.ray_residents import RayResidents
from localfair.committee.seating import Options, Seating
from localfair.errors import UsageError

pytestmark = pytest.mark.ray


def test_a_node_without_the_weights_is_refused_by_name(joined, seating, script):
    member = seating.member("teacher", 0, script("peer"))
    elsewhere = replace(member.model, path=Path("/nowhere/peer.script.toml"))
    with pytest.raises(UsageError) as refused:
        RayResidents(joined).check([replace(member, model=elsewhere)])
    names = [node.name for node in joined.nodes() if node.total.cpus]
    assert refused.value.message in [
        f"node {name}: the script peer.script.toml is not there" for name in names
    ]
    assert "LOCALFAIR_WEIGHTS" in refused.value.hint


def test_a_model_that_fits_no_node_is_refused_with_what_it_needs(joined, tmp_path, tiny_student):
    seating = Seating(tmp_path, 7, Options(threads=64))
    member = seating.member("student", 0, str(tiny_student))
    with pytest.raises(UsageError, match=r"fits no node: it needs 64 CPUs, .* has 2 CPUs") as no:
        RayResidents(joined).check([member])
    assert "--threads" in no.value.hint


def test_a_model_that_every_node_has_is_taken(joined, seating, script):
    RayResidents(joined).check(seating.seat("teacher", [script("a"), script("b")]))
