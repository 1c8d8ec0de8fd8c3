"""`localfair bench`: the rates of a model as a table, or as JSON."""

import json

QUICK = ("--batch", 2, "--batch", 1, "--prompt-numbers", 4, "--reply-tokens", 2)


def test_the_table_has_a_line_for_each_batch_and_names_the_fastest(desk):
    said = desk.says("bench", "student.script.toml", *QUICK)
    assert said.code == 0, said.err
    title, head, first, second, fastest = said.out.splitlines()
    assert title.startswith("student.script.toml on ")
    assert head.split()[:2] == ["engine", "batch"]
    assert [first.split()[:2], second.split()[:2]] == [["scripted", "1"], ["scripted", "2"]]
    assert fastest.startswith("fastest: --engine scripted --batch ")


def test_the_rates_as_json_are_those_that_were_stored(desk):
    said = desk.says("bench", "student.script.toml", *QUICK, "--json")
    rates = json.loads(said.out)
    assert [rate["batch"] for rate in rates] == [1, 2]
    assert desk.says("db", "tables").out.split() != []
    assert "2 rates" in [
        " ".join(line.split()) for line in desk.says("db", "tables").out.splitlines()
    ]


def test_an_unknown_engine_is_refused_with_the_nearest(desk):
    said = desk.says("bench", "student.script.toml", "--engine", "scriptd")
    assert said.code == 2
    assert "unknown engine 'scriptd'" in said.error
    assert "scripted" in said.hint
