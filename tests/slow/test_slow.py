"""The frame of the long proofs: its parts are listed, limited, kept, and said where they cannot be tried."""

import json
import time

import pytest

from tests.slow.__main__ import done, listed, main
from tests.slow.parts import PARTS, Part, nothing
from tests.slow.results import facts, markdown, read, write

MACHINE = {
    "date": "2026-11-26T20:00:00+00:00",
    "commit": "abc1234",
    "processor": "a processor",
    "cores": 2,
    "memory": 2**34,
    "load": 0.5,
    "card": "none",
    "python": "3.11.7",
    "system": "Linux",
}


def part(**changes):
    values = {"name": "nowhere", "title": "", "needs": "", "missing": nothing, "seconds": 30}
    return Part(**values | changes)


def test_every_part_is_listed_with_what_it_needs():
    text = listed()
    for each in PARTS:
        assert each.name in text
        assert each.needs in text
    names = ["reliability", "offline", "bundle", "interop", "cluster", "gpu"]
    assert [each.name for each in PARTS] == names


def test_a_part_that_is_not_there_is_named_with_the_nearest(capsys):
    with pytest.raises(SystemExit):
        main(["reliabilty"])
    assert "no part is called 'reliabilty'; did you mean 'reliability'" in capsys.readouterr().err


def test_a_part_that_cannot_be_tried_says_why(tmp_path):
    result = done(part(missing=lambda: "there is no moon here"), tmp_path)
    assert (result["status"], result["reason"]) == ("not tried", "there is no moon here")
    assert result["facts"].keys() == MACHINE.keys()


def test_a_part_that_falls_over_broke_and_its_last_words_are_kept(tmp_path):
    result = done(part(), tmp_path)
    assert result["status"] == "broke"
    assert result["reason"].startswith("ModuleNotFoundError")


def test_at_its_limit_a_part_is_killed(tmp_path):
    started = time.monotonic()
    result = done(part(name="reliability", seconds=1), tmp_path)
    assert time.monotonic() - started < 20
    assert (result["status"], result["reason"]) == ("broke", "killed after 1 s")


def test_the_table_has_machine_parts_and_rows(tmp_path):
    row = {"name": "http", "outcome": "held", "measures": {"asked_again": 0}, "note": "by | chance"}
    kept = {"facts": MACHINE, "seconds": 61.2, "status": "held", "reason": "", "rows": [row]}
    write(tmp_path / "slow.json", {"reliability": kept})
    results = read(tmp_path / "slow.json")
    assert results == {"reliability": kept}
    machine, *_, part_line, row_line = markdown(results).splitlines()
    assert machine.startswith("2026-11-26, commit abc1234: a processor, 2 cores, 16 GiB")
    assert part_line == "| reliability | 61 s | held |  |"
    assert row_line == "| reliability | http | held | asked again 0, (by \\| chance) |"


def test_facts_are_data():
    assert json.loads(json.dumps(facts())).keys() == MACHINE.keys()
