"""Rates are measured through the seam, stored, and one of them is the best."""

import pytest

from localfair.committee.seating import Options, Seating
from localfair.errors import UsageError
from localfair.machine.hardware import machine, watched
from localfair.pipeline.bench import Bench, Lengths, bench, engines_for
from localfair.record.rates import Rate, fastest, rates_on
from localfair.record.store import Store
from tests.lab import script

SCRIPT = """
[[rule]]
when = ""
replies = ["one two three four five six"]
"""
SHORT = Lengths(prompt=6, reply=4)


def test_each_engine_and_batch_is_a_row_of_rates(lab):
    told = []
    any_prompt = script(lab.folder, "any", SCRIPT)
    rows = bench(any_prompt, lab.folder, lab.db, Bench(batches=(4, 1), lengths=SHORT), told.append)
    assert [row.batch for row in rows] == [1, 4]
    assert len(told) == 2
    assert all(row.prefill > 0 for row in rows)
    assert all(row.decode > 0 for row in rows)
    assert all(row.peak_memory > 2**20 for row in rows)
    assert lab.column("SELECT COUNT(*) AS n FROM rates WHERE engine = 'scripted'") == [2]


def test_a_real_model_is_measured_without_a_word_about_engines(lab):
    pytest.importorskip("transformers")
    what = Bench(
        engines=("transformers",),
        batches=(2,),
        lengths=SHORT,
        options=Options(precision="fp32"),
    )
    rows = bench(lab.student, lab.folder, lab.db, what, str)
    assert [row.engine for row in rows] == ["transformers/fp32"]
    assert rows[0].prompt_tokens > 6
    assert 0 < rows[0].reply_tokens <= 4
    with Store.open(lab.db) as store:
        assert rates_on(store, machine()) == rows


def test_an_unknown_engine_is_refused_with_the_nearest_name(lab):
    with pytest.raises(UsageError) as refused:
        bench(lab.teachers[0], lab.folder, lab.db, Bench(engines=("lama_cpp",)), str)
    assert "llama_cpp" in refused.value.hint


def test_the_fastest_writes_most_tokens_a_second():
    rates = []
    for batch, decode in ((1, 20.0), (4, 60.0), (8, 55.0)):
        rate = Rate(
            id=f"b2:{batch}",
            model="m",
            fingerprint="f",
            engine="scripted",
            machine="here",
            batch=batch,
            prompt_tokens=6,
            reply_tokens=4,
            prefill=90.0,
            decode=decode,
            load_seconds=0.1,
            peak_memory=2**20,
            created="2026-05-01",
        )
        rates.append(rate)
    assert fastest(rates).batch == 4


def test_a_script_is_served_by_its_own_engine_and_a_folder_by_what_is_installed(lab):
    seating = Seating(lab.folder, 0, Options())
    assert engines_for(seating.model(lab.teachers[0])) == ("scripted",)
    assert set(engines_for(seating.model(lab.student))) <= {"transformers", "vllm"}


def test_the_peak_is_that_of_the_block():
    with watched() as peak:
        block = bytearray(64 * 2**20)
        block[::4096] = b"x" * len(block[::4096])
    assert peak[0] > 64 * 2**20
