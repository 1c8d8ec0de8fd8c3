"""What db verify says of a record that was changed behind its back, and what reading again does."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localfair.errors import StoreError
from localfair.pipeline.reading import ThisReader, reread_record, verify_record
from localfair.record.readings import reread
from localfair.record.schema import SEALED_SINCE
from localfair.record.sealing import TABLES, Sealing
from localfair.record.store import Store
from localfair.tasks.grading import READER_VERSION
from tests.lab import Lab, scripted_student
from tests.record.old_versions import VERSIONS, restore, todays_record


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The folder of a sound record: a run up to its lessons, and an adapter."""
    return todays_record(tmp_path_factory.mktemp("sound")).parent


@pytest.fixture
def db(original, tmp_path):
    """A copy of the sound record."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return tmp_path / "lab.db"


def change(db, *statements):
    with closing(sqlite3.connect(db)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def sealed_anew(db):
    """Seal every row as it stands: what a careful forger would do."""
    with Store.open(db, create=True) as store:
        sealing = Sealing(store.db)
        for table, sealed in TABLES.items():
            columns = ", ".join(sealed.key)
            for key in store.rows(f"SELECT {columns} FROM {table}"):
                sealing.seal_again(table, key)
        store.db.conn.commit()


def problems_of(db):
    return verify_record(db).problems


def test_a_record_that_a_run_left_is_sound(db):
    verified = verify_record(db)
    assert (verified.problems, verified.notes) == ([], [])


ONE = "WHERE rowid = 1"
TAMPERED = {
    "a score": (f"UPDATE reviews SET score = 1 {ONE}", "review b2:"),
    "a score to none": (f"UPDATE reviews SET score = NULL {ONE}", "review b2:"),
    "who sits on the same weights": (
        "UPDATE reviews SET same_weights = 1 - same_weights",
        "review",
    ),
    "a verdict": (f"UPDATE verdicts SET accepted = 1 - accepted {ONE}", "verdict b2:"),
    "the mean of a verdict": (f"UPDATE verdicts SET mean = 4.5 {ONE}", "verdict b2:"),
    "a reason": (f"UPDATE verdicts SET reason = 'because' {ONE}", "verdict b2:"),
    "the policy of the gate": (
        f"UPDATE verdicts SET policy = replace(policy, '3.0', '1.0') {ONE}",
        "does not hash to its id",
    ),
    "a reply": (f"UPDATE generations SET text = text || '!' {ONE}", "generation b2:"),
    "how a reply ended": (f"UPDATE generations SET finish = 'length' {ONE}", "generation b2:"),
    "the tokens of a reply": (f"UPDATE generations SET prompt_tokens = 1 {ONE}", "generation b2:"),
    "a request": ("UPDATE generations SET seed = seed + 1", "does not hash to its id"),
    "a grade": (
        f"UPDATE answers SET grade = iif(grade = 'right', 'wrong', 'right') {ONE}",
        "answer b2:",
    ),
    "what was read": (f"UPDATE answers SET read = '77' {ONE}", "answer b2:"),
    "a rationale's grade": (
        "UPDATE explanations SET grade = 'wrong' WHERE kind = 'rationale'",
        "explanation b2:",
    ),
    "a gold": (f"UPDATE questions SET gold = '0' {ONE}", "does not hash to its id"),
    "the split of a question": (f"UPDATE questions SET split = 'dev' {ONE}", "question b2:"),
    "a data set's rationale": (f"UPDATE questions SET rationale = 'So.' {ONE}", "question b2:"),
    "the hash of a source": (f"UPDATE sources SET sha256 = 'ab' {ONE}", "source b2:"),
    "a lesson": (f"UPDATE lessons SET completion = 'It is 4.' {ONE}", "lesson b2:"),
    "the weight of a lesson": (f"UPDATE lessons SET weight = 2 {ONE}", "lesson b2:"),
    "a source of a lesson": (
        "DELETE FROM lesson_sources WHERE noun = 'verdict'",
        "does not hash to its id, with its sources",
    ),
    "the sha256 of an adapter": ("UPDATE adapters SET sha256 = 'ab'", "is not what was trained"),
    "the steps of an adapter": ("UPDATE adapters SET steps = 9", "adapter an-adapter"),
    "a curve": ("UPDATE curve SET loss = 0.1", "adapter an-adapter"),
    "a point of a curve": ("DELETE FROM curve", "adapter an-adapter"),
    "a lesson that was learned": (
        "UPDATE adapter_lessons SET dropped = 'too long'",
        "adapter an-adapter",
    ),
    "a link of a run": ("DELETE FROM run_rows WHERE noun = 'review'", "run step"),
    "a link to nothing": ("UPDATE run_rows SET noun = 'thing' WHERE noun = 'lesson'", "no noun"),
    "the outcome of a step": ("UPDATE run_steps SET outcome = '{}'", "run step"),
    "the calls of a step": ("UPDATE run_steps SET calls = 0 WHERE calls > 0", "run step"),
    "when a run ended": ("UPDATE runs SET ended = NULL", "does not say when it ended"),
    "a step": (
        "DELETE FROM run_rows WHERE position = 0; DELETE FROM run_steps WHERE position = 0",
        "run ",
    ),
    "the reason of a migration": ("UPDATE migrations SET reason = ''", "the migrations applied"),
    "a run's recipe": ("UPDATE runs SET effective = '{}'", "run "),
    "a seat of a run": ("UPDATE run_seats SET engine = 'another'", "run "),
    "a seat": ("UPDATE seats SET run_seed = 9", "seat b2:"),
    "a view": ("DROP VIEW mistakes", "the view mistakes is missing"),
    "an index": ("DROP INDEX answers_by_question", "the index answers_by_question is missing"),
    "a trigger": (
        "CREATE TRIGGER t AFTER INSERT ON answers BEGIN SELECT 1; END",
        "the trigger t is none of localfair's",
    ),
    "a table": ("CREATE TABLE notes (text)", "the table notes is none of localfair's"),
    "a missing table": ("DROP TABLE rates", "the table rates is missing"),
    "a column": ("ALTER TABLE rates ADD COLUMN more", "the table rates is not as localfair makes"),
    "a view in the place of another": (
        "DROP VIEW mistakes; CREATE VIEW mistakes AS SELECT * FROM answers",
        "the view mistakes is not as localfair makes it",
    ),
    "a row that nobody wrote": (
        "INSERT INTO sources VALUES ('x', 't', 'n', 'ab', 1, 'mit', 'now', NULL)",
        "source x does not hash to its id",
    ),
    "a migration": ("DELETE FROM migrations WHERE version = 2", "the migrations applied"),
    "the key of marks": ("DELETE FROM secrets", "the key of the marks"),
    "a number that is text": (f"UPDATE generations SET seed = 'x' {ONE}", "generation b2:"),
    "text that is a number": (f"UPDATE generations SET text = 5 {ONE}", "generation b2:"),
    "text that is bytes": (f"UPDATE generations SET text = x'80ff' {ONE}", "generation b2:"),
    "no UTF-8": (
        f"UPDATE generations SET text = CAST(x'80ff' AS TEXT) {ONE}",
        "generation b2:",
    ),
    "no JSON": (f"UPDATE generations SET messages = '[[' {ONE}", "generation b2:"),
    "JSON of another shape": (f"UPDATE generations SET messages = '5' {ONE}", "generation b2:"),
    "JSON without an end": (
        f"UPDATE generations SET messages = '{'[' * 20000}' {ONE}",
        "generation b2:",
    ),
    "a policy that is none": (f"UPDATE verdicts SET policy = 'null' {ONE}", "verdict b2:"),
    "log-probabilities of letters": (
        f"UPDATE generations SET logprobs = '[\"a\"]' {ONE}",
        "generation b2:",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_is_named(db, what):
    statements, problem = TAMPERED[what]
    change(db, *([statements] if "TRIGGER" in statements else statements.split("; ")))
    assert any(problem in line for line in problems_of(db))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE reviews SET score = 2 WHERE rowid = 1", "says score 2, and its text score 5"),
        ("UPDATE answers SET grade = 'right', read = '7' WHERE rowid = 1", "says right (read '7')"),
        ("UPDATE verdicts SET accepted = 0 WHERE rowid = 1", "does not follow from its policy"),
        ("UPDATE generations SET text = 'The answer is 3.'", "and its text"),
    ],
)
def test_readings_are_derived_again_even_where_the_seals_were_forged(db, statement, problem):
    change(db, statement)
    sealed_anew(db)
    assert any(problem in line for line in problems_of(db))


def test_of_many_problems_the_first_are_named_and_the_others_counted(db):
    change(db, "UPDATE generations SET text = 'x'")
    generations = [line for line in problems_of(db) if line.startswith("generation ")]
    assert len(generations) == 20
    assert any(line.endswith("more of these") for line in problems_of(db))


def test_pages_that_were_overwritten_are_damage_and_no_crash(db):
    whole = db.read_bytes()
    for start in range(4096, len(whole), 4096):
        db.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :])
        try:
            problems = problems_of(db)
        except StoreError as error:  # the schema itself cannot be read
            problems = [str(error)]
        assert problems, f"page {start // 4096}"


def test_a_problem_is_one_line_whatever_its_row_holds(db):
    change(db, "UPDATE run_rows SET noun = 'a' || char(10) || char(27) || '[31m'")
    assert all(line.isprintable() for line in problems_of(db))


# -- another reader -------------------------------------------------------------------------------


def read_by_an_older_one(db, *statements):
    """Let an older reader have read everything, some of it otherwise."""
    tables = ("questions", "answers", "explanations", "reviews", "verdicts")
    older = [f"UPDATE {table} SET reader = {READER_VERSION - 1}" for table in tables]
    change(db, *statements, *older)
    sealed_anew(db)


def test_what_an_older_reader_read_is_said_and_is_no_damage(db):
    read_by_an_older_one(db, "UPDATE reviews SET score = 1")
    verified = verify_record(db)
    assert verified.problems == []
    assert verified.notes[0].startswith("5 golds were read by an older reader")
    assert len(verified.notes) == 5


def test_reading_again_changes_what_reads_otherwise_and_judges_again(db):
    read_by_an_older_one(db, "UPDATE reviews SET score = 1", "UPDATE verdicts SET accepted = 0")
    by_name = {count.name: count for count in reread_record(db)}
    assert (by_name["answer"].rows, by_name["answer"].changed) == (4, 0)
    assert by_name["review"].changed == by_name["review"].rows == 12
    assert by_name["verdict"].changed > 0
    verified = verify_record(db)
    assert verified.problems == []
    assert [note for note in verified.notes if "gold" not in note] == []
    with Store.open(db) as store:
        assert set(store.first_column("SELECT score FROM reviews")) == {5}
        assert set(store.first_column("SELECT score FROM earlier_readings")) == {1}


def test_a_dry_run_counts_the_same_and_changes_nothing(db):
    read_by_an_older_one(db, "UPDATE reviews SET score = 1")
    before = db.read_bytes()
    dry = reread_record(db, dry_run=True)
    assert db.read_bytes() == before
    assert dry == reread_record(db)
    assert [count.rows for count in reread_record(db)] == [0, 0, 0, 0]


def test_no_id_changes_and_a_run_after_reading_again_asks_nobody(tmp_path):
    lab = Lab(tmp_path, Path(scripted_student(tmp_path)))
    lab.run(until="select")
    ids = lab.column("SELECT id FROM answers UNION SELECT id FROM verdicts ORDER BY id")
    read_by_an_older_one(lab.db, "UPDATE reviews SET score = 4 WHERE rowid = 1")
    lab.run(until="before")
    assert any("`localfair db reread` reads it again" in line for line in lab.lines)
    reread_record(lab.db)
    lab.lines.clear()
    assert lab.column("SELECT id FROM answers UNION SELECT id FROM verdicts ORDER BY id") == ids
    assert lab.run(until="select")["calls"] == 0
    assert not any("db reread" in line for line in lab.lines)
    assert problems_of(lab.db) == []


def test_questions_that_are_brought_again_were_read_by_this_reader(tmp_path):
    lab = Lab(tmp_path, Path(scripted_student(tmp_path)))
    lab.run(until="before")
    # another localfair's note of the file is none of this one's
    read_by_an_older_one(lab.db, "DELETE FROM imports")
    lab.run(until="before")
    assert set(lab.column("SELECT reader FROM questions")) == {READER_VERSION}


def test_a_row_that_cannot_be_read_again_stops_it_and_nothing_is_changed(db):
    read_by_an_older_one(db, "UPDATE verdicts SET reviews = '[\"gone\"]' WHERE rowid = 1")
    with pytest.raises(StoreError, match=r"verdict .* cannot be read again"):
        reread_record(db)
    assert verify_record(db).notes == []  # for it has problems
    with Store.open(db) as store:
        assert set(store.first_column("SELECT reader FROM answers")) == {READER_VERSION - 1}


def test_an_answer_to_a_gold_that_this_reader_cannot_take_is_left_as_it_is(db):
    class Picky(ThisReader):
        def grade(self, question, text):
            return None

    read_by_an_older_one(db)
    with Store.open(db, create=True) as store:
        answers, *_ = reread(store, Picky())
    assert (answers.rows, answers.unread) == (0, 4)


# -- earlier versions -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_of_an_earlier_version_is_sound_and_can_be_read_again(tmp_path, version):
    path = tmp_path / "old.db"
    restore(version, path)
    verified = verify_record(path)
    assert verified.problems == []
    # before version 4 rows had neither seals nor a reader
    is_unsealed = version < SEALED_SINCE
    noted = any("sealed when this record was migrated" in note for note in verified.notes)
    assert noted == is_unsealed
    with Store.open(path) as store:
        [reader] = store.first_column("SELECT DISTINCT reader FROM answers")
    older = [4, 6, 12, 12] if reader < READER_VERSION else [0, 0, 0, 0]
    assert [count.rows for count in reread_record(path)] == older
    assert verify_record(path).problems == []
