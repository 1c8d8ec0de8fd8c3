"""Every answer of an exam is graded right, wrong or unreadable, and is linked to the run."""

from tests.lab import always, scripted_student

BEYOND = ("exam.beyond=4",)


def exam(lab, *settings, **options):
    """The outcome of an exam on train by a scripted student."""
    student = options.pop("student", scripted_student(lab.folder))
    found = lab.run(settings=settings, until="exam", student=student, **options)
    return found["steps"][-1]["outcome"]


def test_an_exam_counts_each_grade(lab):
    assert exam(lab) == {"questions": 8, "answers": 8, "right": 1, "wrong": 5, "unreadable": 2}


def test_every_sample_of_a_question_is_an_answer(lab):
    student = lab.teachers[0]  # it has two replies, and each sample a seed
    outcome = exam(lab, "exam.samples=3", student=student)
    assert outcome["questions"] == 8
    assert outcome["answers"] == outcome["right"] == 24
    samples = lab.column(
        "SELECT DISTINCT g.sample FROM answers a JOIN generations g ON g.id = a.generation "
        "WHERE a.split = 'train' ORDER BY 1"
    )
    assert samples == [0, 1, 2]


def test_a_limit_asks_fewer_questions(lab):
    assert exam(lab, train_limit=3)["answers"] == 3


def test_an_exam_may_go_beyond_the_questions_of_the_run_and_nobody_else_is_asked_about_these(lab):
    found = lab.run(settings=BEYOND, until="inquire", train_limit=3)
    exam, inquire = found["steps"][-2:]
    assert exam["outcome"]["answers"] == 7
    assert inquire["outcome"]["feedback"] == 3 * 3  # of three teachers
    assert lab.run(settings=BEYOND, until="inquire", train_limit=3)["backend_calls"] == 0


def test_beyond_all_questions_there_are_none(lab):
    assert exam(lab, "exam.beyond=100", train_limit=3)["answers"] == 8
    assert exam(lab, "exam.beyond=100")["answers"] == 8


def test_an_answer_says_what_was_read_in_it(lab):
    exam(lab)
    rows = lab.tuples("SELECT DISTINCT grade, read FROM answers WHERE split = 'train'")
    assert set(rows) == {("right", "4016"), ("unreadable", None), ("wrong", "1")}


def test_a_wrong_or_unreadable_answer_on_train_is_a_mistake_and_one_on_test_is_none(lab):
    exam(lab, student=always(lab.folder, "mistaken", "The answer is 1."))
    assert lab.column("SELECT reason FROM mistakes") == ["wrong"] * 8
    assert lab.column("SELECT COUNT(*) AS n FROM answers WHERE grade = 'wrong'") == [12]


def test_an_exam_links_its_questions_answers_and_generations_to_the_run(lab):
    exam(lab)
    links = lab.tuples("SELECT noun, COUNT(*) FROM run_rows WHERE position = 1 GROUP BY noun")
    assert links == [("answer", 8), ("generation", 8), ("question", 8)]


def test_the_student_may_sit_every_exam_in_llama_cpp_its_adapter_beside_the_gguf(
    lab, tiny_gguf_student
):
    in_llama_cpp = {"student": str(tiny_gguf_student), "student_engine": "llama_cpp"}
    found = lab.run(**in_llama_cpp)
    engines = lab.tuples(
        "SELECT DISTINCT engine, adapter <> '' FROM generations WHERE engine <> 'scripted'"
    )
    assert set(engines) == {("llama_cpp/gguf", 0), ("llama_cpp/gguf", 1)}
    assert found["before"]["questions"] == found["after"]["questions"] == 4
    again = lab.run(**in_llama_cpp)
    assert again["backend_calls"] == 0
    assert again["after"] == found["after"]
