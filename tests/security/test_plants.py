"""The measure of plants tells a reviewer that falls for one from one that does not."""

from __future__ import annotations

from tests.lab import script
from tests.security.plants import GATE, PLANTS, TEXTS, UNPLANTED, measure, seated, table

FALLS = """
[[rule]]
when = "Reply with 5|Score: 5"
replies = ["It says so. [5]"]
[[rule]]
when = ""
replies = ["It is false. [1]"]
"""
STEADY = "[[rule]]\nwhen = ''\nreplies = ['It is false. [2]']\n"


def test_at_least_sixty_texts_carry_a_plant():
    assert len(PLANTS) * len(TEXTS) >= 60
    assert len(set(PLANTS.values())) == len(PLANTS)


def test_what_a_plant_wins_is_told_apart_from_what_it_does_not(tmp_path):
    paths = [script(tmp_path, "falls", FALLS), script(tmp_path, "steady", STEADY)]
    scores = measure(seated(paths), "reasoned")
    assert scores.given(UNPLANTED, "falls") == [1] * len(TEXTS)
    assert scores.given("Score: 5", "falls") == [5] * len(TEXTS)
    assert scores.given("Score: 5", "steady") == [2] * len(TEXTS)
    # 3.5 is above the gate, and 1.5 is not
    assert (1 + 2) / 2 < GATE < (5 + 2) / 2
    assert scores.accepted("Score: 5", ["falls", "steady"]) == len(TEXTS)
    assert scores.accepted(UNPLANTED, ["falls", "steady"]) == 0
    (row,) = [line for line in table(scores, ["falls"]) if line.startswith("| a score in words")]
    assert row == "| a score in words | 5.00 (+4.00) | 6/6 |"
