"""Mentor-KD whole: soft labels that belong to tokens, are asked for once, and are never another tokenizer's."""

import json

import pytest

from localfair.errors import UsageError
from localfair.record.store import Store
from localfair.record.verify import verify
from tests import tiny

QUICK = ("before.sampling.max_tokens=8", "after.sampling.max_tokens=8", "teach.write.rationale.samples=1",
         "mentor-teach.write.rationale.samples=1", "mentor-teach.sampling.max_tokens=8", "soften.top_k=8",
         *(f"{step}.{key}" for step in ("mentor", "train") for key in ("epochs=2", "adapter.rank=4")))  # fmt: skip


@pytest.fixture(scope="module")
def mentor(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("mentor"), seed=7)


def run(lab, mentor, *settings, **options):
    return lab.run(
        "mentor-kd",
        settings=(*QUICK, *settings),
        mentor=str(mentor),
        **{"train_limit": 3} | options,
    )


def calls(found):
    return {s["step"]: (s["calls"], s["loads"]) for s in found["steps"]}


def test_mentor_kd_runs_from_the_first_exam_to_the_last_and_again_asks_nobody(lab, mentor):
    first, again = run(lab, mentor), run(lab, mentor)
    lessons = next(s for s in first["steps"] if s["step"] == "lessons")["outcome"]["lessons"]
    assert calls(first)["soften"] == (lessons, 1) and first["status"] == "done"
    assert again["backend_calls"] == again["loads"] == 0
    assert again["adapter"] == first["adapter"] and again["after"] == first["after"]
    adapters = lab.rows("SELECT role, settings, tokens_per_second FROM adapters ORDER BY created")
    assert [a["role"] for a in adapters] == ["mentor", "student"]
    assert json.loads(adapters[1]["settings"])["terms"] == [["rationale", 0.7], ["kl", 0.3]]
    assert all(a["tokens_per_second"] > 0 for a in adapters)


def test_a_soft_label_is_of_the_mentors_adapter_and_of_every_label_token(lab, mentor):
    run(lab, mentor, until="soften")
    trained = lab.rows("SELECT id FROM adapters WHERE role = 'mentor'")[0]["id"]
    rows = lab.rows("SELECT * FROM soft_labels")
    assert rows and {row["adapter"] for row in rows} == {trained}
    for row in rows:
        assert (
            len(row["indices"]) == 4 * row["labels"] * 8
            and len(row["logprobs"]) == 2 * row["labels"] * 9
        )


def test_verify_reads_soft_labels_too(lab, mentor):
    run(lab, mentor, until="soften")
    with Store.open(lab.db, create=True) as store:
        assert verify(store) == []
        store.db.execute("UPDATE soft_labels SET tau = 3.0, logprobs = x'00' WHERE rowid = 1")
        store.db.conn.commit()
        assert [line.split(" does ")[1].split()[0] for line in verify(store)] == ["not", "not"]


def test_another_tau_or_k_is_asked_for_anew_and_the_rest_of_the_run_is_not(lab, mentor):
    run(lab, mentor, until="soften")
    for setting in ("soften.tau=2.0", "soften.top_k=4"):
        found = calls(run(lab, mentor, setting, until="soften"))
        assert found.pop("soften")[0] > 0 and set(found.values()) == {(0, 0)}


def test_a_mentor_of_another_tokenizer_is_refused_before_anybody_is_asked(lab, mentor, tmp_path):
    stranger = tiny.build(tmp_path / "stranger")
    words = json.loads((stranger / "tokenizer.json").read_text())
    vocabulary = words["model"]["vocab"]
    one, other = [w for w, i in vocabulary.items() if i in (300, 301)]
    vocabulary[one], vocabulary[other] = (
        vocabulary[other],
        vocabulary[one],
    )  # as many words, two of them exchanged
    (stranger / "tokenizer.json").write_text(json.dumps(words))
    with pytest.raises(UsageError, match="does not share the student's tokenizer") as refused:
        run(lab, stranger)
    assert "--mentor" in refused.value.hint and not lab.db.exists()


def test_a_recipe_with_a_mentor_needs_one_with_weights(lab):
    for options, says in (
        ({}, "needs a mentor"),
        ({"mentor": lab.teachers[0]}, "cannot train a scripted mentor"),
    ):
        with pytest.raises(UsageError, match=says):
            lab.run("mentor-kd", settings=QUICK, **options)
        assert not lab.db.exists()
