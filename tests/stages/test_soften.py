"""Mentor-KD whole: soft labels are asked for once, and never of another tokenizer."""

import json
from pathlib import Path

import pytest

from localfair.errors import UsageError
from localfair.record.store import Store
from localfair.record.verify import verify
from localfair.stages.soften import shared_ids
from tests import tiny
from tests.lab import always

QUICK = (
    "before.sampling.max_tokens=8",
    "after.sampling.max_tokens=8",
    "teach.write.rationale.samples=1",
    "mentor-teach.write.rationale.samples=1",
    "mentor-teach.sampling.max_tokens=8",
    "soften.top_k=8",
    "mentor.epochs=2",
    "mentor.adapter.rank=4",
    "train.epochs=2",
    "train.adapter.rank=4",
)


@pytest.fixture(scope="module")
def mentor(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("mentor"), seed=7)


def run(lab, mentor, *settings, **options):
    options.setdefault("train_limit", 3)
    return lab.run("mentor-kd", settings=(*QUICK, *settings), mentor=str(mentor), **options)


def calls(found):
    return {step["step"]: (step["calls"], step["loads"]) for step in found["steps"]}


def test_mentor_kd_runs_from_the_first_exam_to_the_last_and_again_asks_nobody(lab, mentor):
    first = run(lab, mentor)
    again = run(lab, mentor)
    outcomes = {step["step"]: step["outcome"] for step in first["steps"]}
    assert calls(first)["soften"] == (outcomes["lessons"]["lessons"], 1)
    assert first["status"] == "done"
    assert again["backend_calls"] == again["loads"] == 0
    assert again["adapter"] == first["adapter"]
    assert again["after"] == first["after"]
    adapters = lab.rows("SELECT role, settings, tokens_per_second FROM adapters ORDER BY created")
    assert [row["role"] for row in adapters] == ["mentor", "student"]
    assert json.loads(adapters[1]["settings"])["terms"] == [["rationale", 0.7], ["kl", 0.3]]
    assert all(row["tokens_per_second"] > 0 for row in adapters)


def test_a_soft_label_is_of_the_mentors_adapter_and_of_every_label_token(lab, mentor):
    run(lab, mentor, until="soften")
    trained = lab.rows("SELECT id FROM adapters WHERE role = 'mentor'")[0]["id"]
    rows = lab.rows("SELECT * FROM soft_labels")
    assert rows
    assert {row["adapter"] for row in rows} == {trained}
    for row in rows:
        assert len(row["indices"]) == 4 * row["labels"] * 8
        assert len(row["logprobs"]) == 2 * row["labels"] * 9


def test_verify_reads_soft_labels_too(lab, mentor):
    run(lab, mentor, until="soften")
    with Store.open(lab.db, create=True) as store:
        assert verify(store) == []
        store.db.execute("UPDATE soft_labels SET tau = 3.0 WHERE rowid = 1")
        store.db.execute("UPDATE soft_labels SET logprobs = x'00' WHERE rowid = 2")
        store.db.conn.commit()
        problems = [line.split(" does ")[1] for line in verify(store)]
        assert [" ".join(problem.split()[:2]) for problem in problems] == ["not hash", "not hold"]


def test_another_tau_or_k_is_asked_for_anew_and_the_rest_of_the_run_is_not(lab, mentor):
    run(lab, mentor, until="soften")
    for setting in ("soften.tau=2.0", "soften.top_k=4"):
        found = calls(run(lab, mentor, setting, until="soften"))
        softened, _ = found.pop("soften")
        assert softened > 0
        assert set(found.values()) == {(0, 0)}


def stranger(folder):
    """A student whose tokenizer has as many words, two of them exchanged."""
    tiny.build(folder)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    vocabulary = tokenizer["model"]["vocab"]
    one, other = [word for word, token in vocabulary.items() if token in (300, 301)]
    vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]
    path.write_text(json.dumps(tokenizer))
    return folder


def test_a_mentor_of_another_tokenizer_is_refused_before_anybody_is_asked(lab, tmp_path):
    with pytest.raises(UsageError, match="does not share the student's tokenizer") as refused:
        run(lab, stranger(tmp_path / "stranger"))
    assert "--mentor" in refused.value.hint
    assert not lab.db.exists()


def test_models_of_one_tokenizer_share_all_of_its_ids(lab, mentor, tmp_path):
    assert shared_ids(Path(lab.student), mentor) == len(tiny.tokenizer())
    with pytest.raises(UsageError, match="does not share"):
        shared_ids(Path(lab.student), stranger(tmp_path / "stranger"))


def test_without_lessons_no_mentor_is_loaded(lab, mentor):
    mute = tuple(always(lab.folder, f"mute{at}", "The answer is 0.") for at in range(2))
    found = run(lab, mentor, until="soften", teachers=mute)
    assert found["steps"][-1]["outcome"] == {"lessons": 0, "softened": 0}
    assert calls(found)["soften"] == (0, 0)
