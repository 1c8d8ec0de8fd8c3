"""A whole run of FAIR, scripted teachers and a tiny real student: what is asked, kept, and never repeated."""

import pytest

from localfair.errors import Interrupted, TaskError, UsageError
from localfair.pipeline.runs import run


def test_fair_runs_from_the_first_exam_to_the_last(lab):
    found = lab.run()
    assert [s["step"] for s in found["steps"]] == [
        "before",
        "exam",
        "inquire",
        "review",
        "select",
        "train",
        "after",
    ]
    assert found["status"] == "done"
    assert found["mistakes"] == 8 and found["questions"] == 12
    assert found["explanations"] == 8 * 3 * 2
    assert found["lessons"] == 8 * 2
    assert found["before"]["questions"] == found["after"]["questions"] == 4
    low, high = found["after"]["interval"]
    assert 0 <= low <= found["after"]["accuracy"] <= high <= 1


def test_three_teachers_cost_eighteen_calls_a_mistake(lab):
    found = lab.run(until="review")
    calls = {s["step"]: s["calls"] + s["reused"] for s in found["steps"]}
    assert found["reviews"] + found["explanations"] == 18 * found["mistakes"]
    assert calls["inquire"] == 6 * found["mistakes"]


def test_the_same_command_again_asks_nobody_anything(lab):
    first, second = lab.run(), lab.run()
    assert first["backend_calls"] > 0
    assert second["backend_calls"] == 0 and second["loads"] == 0
    same = ("mistakes", "explanations", "accepted", "lessons", "change")
    assert [first[k] for k in same] == [second[k] for k in same]
    assert first["before"] == second["before"] and first["after"] == second["after"]
    assert first["adapter"] == second["adapter"]


def test_more_questions_pay_only_for_what_is_new(lab):
    small = lab.run(until="inquire", train_limit=3)
    large = lab.run(until="inquire", train_limit=8)
    inquire = large["steps"][-1]
    assert inquire["reused"] == small["steps"][-1]["calls"]
    assert inquire["calls"] == (8 - 3) * 6


def test_another_threshold_makes_other_verdicts_without_a_call(lab):
    lab.run(until="review")
    strict = lab.run(settings=("review.accept.mean_above=5",), until="review")
    assert strict["backend_calls"] == 0 and strict["accepted"] == 0
    counts = lab.rows(
        "SELECT accepted, COUNT(*) AS n FROM verdicts GROUP BY accepted ORDER BY accepted"
    )
    assert [c["n"] for c in counts] == [48, 48]


def test_the_papers_way_reviews_rationales_only(lab):
    found = lab.run(settings=('review.of=["rationale"]',), until="select")
    kinds = lab.rows(
        "SELECT DISTINCT e.kind FROM reviews r JOIN explanations e ON e.id = r.explanation"
    )
    assert [k["kind"] for k in kinds] == ["rationale"]
    assert found["lessons"] == 16


def test_reviews_can_be_left_out_and_the_answer_check_stays(lab):
    from tests.lab import teacher

    wrong = teacher(lab.folder, "wrong", answer="0")
    found = lab.run(settings=("review.mode=none",), teachers=(wrong,), until="select")
    assert found["reviews"] == 0
    rejected = lab.rows("SELECT reason FROM verdicts WHERE accepted = 0")
    assert rejected and {r["reason"] for r in rejected} == {"answer check: wrong"}


def test_a_harsh_committee_accepts_nothing_and_the_run_still_ends_well(lab):
    from tests.lab import teacher

    harsh = tuple(teacher(lab.folder, f"harsh{i}", score=1) for i in range(3))
    found = lab.run(teachers=harsh)
    assert found["accepted"] == 0 and found["lessons"] == 0 and found["status"] == "done"
    assert found["adapter"] is None
    assert found["change"]["difference"] == 0


def test_an_incomplete_questions_lessons_are_dropped_with_the_reason(lab):
    from tests.lab import teacher

    wrong = tuple(teacher(lab.folder, f"wrong{i}", answer="0") for i in range(2))
    sql = 'SELECT DISTINCT l.kind, l.dropped FROM lessons l JOIN run_rows r ON r."row" = l.id WHERE r.run = ?'
    said = {}
    for complete in ("true", "false"):
        found = lab.run(teachers=wrong, until="select", settings=(f"select.complete={complete}",))
        said[complete] = {(d["kind"], d["dropped"]) for d in lab.rows(sql, found["run"])}
    assert ("feedback", "no accepted rationale") in said["true"]
    assert said["false"] == {("feedback", None), ("rationale", None)}


def test_lessons_come_from_train_and_name_every_row_they_rest_on(lab):
    lab.run(until="select")
    assert {r["split"] for r in lab.rows("SELECT split FROM lessons")} == {"train"}
    nouns = lab.rows(
        "SELECT s.noun FROM lessons l JOIN lesson_sources s ON s.lesson = l.id WHERE l.kind = 'feedback' "
        "GROUP BY s.noun ORDER BY s.noun"
    )
    assert [n["noun"] for n in nouns] == [
        "answer",
        "explanation",
        "generation",
        "question",
        "verdict",
    ]


def test_a_rationale_lesson_is_prompted_as_the_exam_is(lab):
    lab.run(until="select")
    lesson = lab.rows(
        "SELECT l.prompt, l.question FROM lessons l WHERE kind = 'rationale' LIMIT 1"
    )[0]
    asked = lab.rows(
        "SELECT g.messages FROM answers a JOIN generations g ON g.id = a.generation WHERE a.question = ?",
        lesson["question"],
    )
    assert asked[0]["messages"] == lesson["prompt"]


def test_another_seed_is_another_run_of_everything_sampled(lab):
    first = lab.run(until="inquire")
    second = lab.run(until="inquire", seed=1)
    before, exam, inquire = second["steps"]
    assert first["run"] != second["run"]
    assert before["calls"] == 0  # greedy: a seed changes nothing
    assert exam["calls"] > 0 and inquire["calls"] > 0


def test_ctrl_c_leaves_a_good_record_and_says_how_to_go_on(lab):
    def stop(done, total, label):
        if label.startswith("inquire") and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        run(lab.order(), say=lab.lines.append, progress=stop)
    assert stopped.value.exit_code == 130 and "same command" in stopped.value.hint
    assert [r["status"] for r in lab.rows("SELECT status FROM runs")] == ["interrupted"]
    answered = lab.rows("SELECT COUNT(*) AS n FROM generations WHERE engine = 'scripted'")[0]["n"]
    assert answered == 5


def test_an_unreadable_answer_can_be_a_format_lesson_or_nothing(lab):
    lab.run(until="exam")
    unreadable = len(lab.rows("SELECT id FROM mistakes WHERE reason = 'unreadable'"))
    wrong = len(lab.rows("SELECT id FROM mistakes WHERE reason = 'wrong'"))
    nothing = lab.run(settings=("exam.unreadable_is=nothing",), until="inquire")
    formats = lab.run(settings=("exam.unreadable_is=format",), until="inquire")
    assert nothing["explanations"] == wrong * 6
    assert formats["explanations"] == wrong * 6 + unreadable * 3


def test_one_teacher_cannot_review_itself(lab):
    with pytest.raises(UsageError, match="this committee can give 0") as refused:
        lab.run(teachers=lab.teachers[:1])
    assert "--reviewer" in refused.value.hint
    assert not lab.db.exists()


def test_a_script_cannot_be_trained_and_that_is_said_before_anything_is_asked(lab):
    with pytest.raises(UsageError, match="cannot train a scripted student"):
        lab.run(student=lab.teachers[0])
    assert not lab.db.exists()


def test_a_task_without_train_questions_is_refused(lab):
    lab.data.write_text(
        '{"question": "What is the code of item 3?", "answer": "3", "split": "test"}\n'
    )
    with pytest.raises(TaskError, match="no train questions"):
        lab.run()


def test_an_adapter_whose_weights_were_lost_is_trained_again(lab):
    first = lab.run()
    weights = lab.folder / first["adapter"]["path"] / "adapter_model.safetensors"
    weights.unlink()
    second = lab.run()
    assert weights.is_file() and second["adapter"]["id"] == first["adapter"]["id"]


def test_tinyllm_teaches_answers_and_one_rationale_per_teacher(lab):
    settings = ("before.sampling.max_tokens=8", "after.sampling.max_tokens=8")
    found = lab.run(recipe="tinyllm", settings=settings, teachers=lab.teachers[:2])
    assert found["lessons"] == 8 + 8 * 2 and found["reviews"] == 0
    terms = lab.rows("SELECT settings FROM adapters")[0]["settings"]
    assert all(term in terms for term in ("answer", "rationale:0", "rationale:1"))
    prompts = {
        r["prompt"]
        for r in lab.rows("SELECT prompt FROM lessons WHERE kind = 'rationale' AND teacher = 1")
    }
    assert all("explain as teacher 2" in p for p in prompts)


def test_the_quickstart_says_what_its_committee_is_not(tmp_path):
    from localfair.recipe.load import load_recipe

    note = load_recipe("quickstart", tmp_path).note
    assert "little better than chance" in note and "larger teachers" in note


def test_a_recipes_note_is_said_before_anything_is_asked(lab):
    lab.run(settings=("note=Mind the gap.",), until="before")
    assert lab.lines[0] == "Mind the gap."


def test_the_student_may_sit_every_exam_in_llama_cpp_its_adapter_beside_the_gguf(
    lab, tiny_gguf_student
):
    found = lab.run(student=str(tiny_gguf_student), student_engine="llama_cpp")
    engines = lab.rows(
        "SELECT DISTINCT engine, adapter <> '' AS taught FROM generations WHERE engine <> 'scripted'"
    )
    assert {(e["engine"], e["taught"]) for e in engines} == {
        ("llama_cpp/gguf", 0),
        ("llama_cpp/gguf", 1),
    }
    assert found["before"]["questions"] == found["after"]["questions"] == 4
    again = lab.run(student=str(tiny_gguf_student), student_engine="llama_cpp")
    assert again["backend_calls"] == 0 and again["after"] == found["after"]
