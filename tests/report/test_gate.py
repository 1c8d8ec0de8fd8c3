"""What each threshold of the gate would accept, and which one to set."""

from localfair.report.gate import gate_table, suggest
from tests.report.reviewed import reviews

MIXED = ((5, True),) * 8 + ((4, False), (4, True), (2, False), (1, False))


def test_a_higher_gate_covers_less():
    gates = gate_table(reviews(*MIXED))
    coverage = [gate.coverage for gate in gates]
    assert coverage == sorted(coverage, reverse=True)
    precision = {gate.mean_above: gate.precision for gate in gates}
    assert precision[4.0] == 1.0


def test_the_suggestion_is_the_lowest_gate_that_is_precise_enough():
    suggestion = suggest(gate_table(reviews(*MIXED)), 0.95)
    assert "mean_above=4 " in suggestion
    assert "100.0%" in suggestion


def test_where_no_gate_is_precise_enough_the_suggestion_says_so():
    gates = gate_table(reviews((5, False), (5, True), (1, False)))
    assert suggest(gates, 0.9).startswith("no threshold reaches 90%; nearest: --set")


def test_a_gate_that_accepts_nothing_has_no_precision():
    [*_, strictest] = gate_table(reviews((4, True), (1, False)))
    assert (strictest.mean_above, strictest.accepted) == (4.5, 0)
    assert strictest.precision is strictest.interval is None


def test_a_gate_goes_by_the_mean_of_an_explanations_reviewers():
    gates = gate_table([*reviews((5, True)), *reviews((2, True), seat=1)])
    accepted = {gate.mean_above: gate.accepted for gate in gates}
    assert (accepted[3.0], accepted[3.5]) == (1, 0)
