"""A record that somebody brings along: what is in its schema is not run, what is odd in its rows is a
line, and nothing is lost.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from localfair.cli import main
from localfair.pipeline.reading import odd_rows, verify_record
from localfair.record.connection import connect_to_write
from localfair.record.sealing import TABLES, Sealing
from tests.cli.conftest import Desk, review

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
SHADOWS = {
    "the view RUNS": "ALTER TABLE runs RENAME TO real_runs;"
    f"CREATE VIEW RUNS AS SELECT * FROM real_runs WHERE ({ENDLESS}) > 0;",
    "the view links": f"DROP VIEW links; CREATE VIEW links AS {ENDLESS};",
    "the virtual table rates": "DROP TABLE rates; CREATE VIRTUAL TABLE rates USING fts5 (model);",
    "the worked out column runs.more": "ALTER TABLE runs ADD COLUMN more AS (hex(zeroblob(id)));",
}
READS = (
    ("report", "--json"),
    ("db", "verify"),
    ("db", "tables"),
    ("reviewers",),
    ("export", "lessons", "--out", "lessons"),
    ("export", "card", "--out", "card"),
    ("plan", *review()[1:]),
    review(),
)
each_reader = pytest.mark.parametrize("command", READS, ids=lambda command: " ".join(command[:2]))
ODD_CELLS = (
    "UPDATE runs SET recipe = '{', effective = '[[[', versions = '5'",
    "UPDATE runs SET effective = x'ff00', settings = '[]'",
    "UPDATE runs SET started = 5, ended = 'never', seed = 'x'",
    "UPDATE seats SET role = x'ff', model = ''",
    "UPDATE secrets SET value = 5",
    "DELETE FROM secrets",
    "UPDATE questions SET text = x'ff00', gold = 5",
    "UPDATE questions SET gold = '{'",
    "UPDATE questions SET choices = '{', split = 'train'",
    "UPDATE generations SET text = x'ff', messages = '{'",
    "UPDATE generations SET logprobs = '[', sampling = '[1]'",
    "UPDATE generations SET completion_tokens = 'many', seconds = 9e999",
    "UPDATE reviews SET score = 'high'",
    "UPDATE verdicts SET policy = '{', accepted = 'x', mean = 'x'",
    "UPDATE run_steps SET outcome = '[]', position = -position",
    "UPDATE run_steps SET outcome = '" + "[" * 5000 + "'",
    "UPDATE run_seats SET engine = x'ff'",
    "UPDATE answers SET grade = 'nope', read = x'ff'",
    "UPDATE explanations SET kind = 'nope', question = 5",
    "UPDATE migrations SET applied = x'ff'",
    "DROP TABLE reviews",
    "DROP TABLE secrets",
    "ALTER TABLE runs RENAME id TO key",
    "ALTER TABLE generations RENAME text TO words",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = -1",
    "PRAGMA user_version = 1",
)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A record with a run in it."""
    folder = tmp_path_factory.mktemp("brought")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.chdir(folder)
        Desk(folder, None)
        main([str(argument) for argument in review()])
    return folder / "localfair.db"


@pytest.fixture
def change(desk, record):
    """Change a copy of the record by SQL; CHECK constraints are not asked."""
    brought = desk.folder / "localfair.db"
    shutil.copy(record, brought)

    def change(script):
        with closing(sqlite3.connect(brought)) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.executescript(script)

    return change


@each_reader
@pytest.mark.parametrize("name", SHADOWS)
def test_a_program_in_the_place_of_a_table_is_never_run(desk, change, command, name):
    change(SHADOWS[name])
    said = desk.says(*command)
    assert said.code == 2
    assert f"holds what localfair never makes: {name}" in said.error


def test_a_trigger_never_changes_what_a_run_writes(desk, change):
    change("CREATE TRIGGER t BEFORE INSERT ON answers BEGIN DELETE FROM seats; END")
    before = desk.files()
    said = desk.says(*review("--seed", 2))
    assert said.code == 2
    assert "(" not in said.error
    assert said.error.endswith("localfair never makes: the trigger t")
    assert desk.files() == before
    assert "the trigger t is none of localfair's" in desk.says("db", "verify").out


def test_what_people_add_under_names_of_their_own_is_left_to_them(desk, change):
    change("CREATE VIEW mine AS SELECT * FROM answers; CREATE INDEX i ON runs (started)")
    assert desk.says("report").code == 0
    assert desk.says(*review("--seed", 2)).code == 0


@pytest.mark.parametrize("change_of_cells", ODD_CELLS)
def test_rows_that_hold_something_else_are_a_line_or_do_not_matter(desk, change, change_of_cells):
    change(change_of_cells)
    for command in READS:
        said = desk.says(*command)
        assert said.code in (0, 1, 2)
        assert "\x1b" not in said.out + said.err
        if said.code == 2:  # a run tells of its steps first
            assert [line.partition(":")[0] for line in said.err.splitlines()[-2:]] == [
                "error",
                "hint",
            ]


SEALED_ANEW = {
    "no settings": ("runs", "settings = 'null'", "settings is JSON of another kind"),
    "a number as student": (
        "runs",
        "settings = json_set(settings, '$.student', 5)",
        "settings.student is no text",
    ),
    "terms that are none": (
        "runs",
        "settings = json_set(settings, '$.terms', json('[{\"role\": 5}]'))",
        "settings hold no terms of models",
    ),
    "a recipe that is none": ("runs", "effective = '{}'", "effective is no recipe"),
    "versions that are none": ("runs", "versions = '[1]'", "versions is JSON of another kind"),
    "a time that is none": ("runs", "started = 'never'", "started is no time"),
    "an outcome that is none": ("run_steps", "outcome = '[]'", "outcome is JSON of another kind"),
    "a number without measure": (
        "generations",
        "completion_tokens = 4611686018427387904",
        "completion_tokens is a number without measure",
    ),
}
READINGS = (
    ("report", "--json"),
    ("licences",),
    ("status",),
    ("export", "lessons", "--out", "lessons"),
)


def seal_anew(database, table, assignment):
    """Change every row of a table, and seal the record as its own code does."""
    db = connect_to_write(database)
    db.execute(f"UPDATE {table} SET {assignment}")
    for name, sealed in TABLES.items():
        for row in db.execute(f"SELECT * FROM {name}").fetchall():
            key = {column: row[column] for column in sealed.key}
            Sealing(db).seal_again(name, key)
    db.conn.commit()
    db.conn.close()


@pytest.mark.parametrize("case", SEALED_ANEW)
def test_an_odd_value_under_a_right_seal_is_found(desk, record, case):
    table, assignment, problem = SEALED_ANEW[case]
    shutil.copy(record, desk.folder / "localfair.db")
    seal_anew(desk.folder / "localfair.db", table, assignment)
    assert verify_record(desk.folder / "localfair.db").problems == []
    assert problem in odd_rows(desk.folder / "localfair.db")[0]


def test_a_command_that_meets_one_says_which_it_is(desk, record):
    shutil.copy(record, desk.folder / "localfair.db")
    seal_anew(desk.folder / "localfair.db", *SEALED_ANEW["no settings"][:2])
    for command in READINGS:
        said = desk.says(*command)
        assert said.code == 2
        assert said.error.startswith("localfair.db is not as localfair wrote it: runs ")
        assert said.error.endswith(": settings is JSON of another kind")


def test_a_record_as_localfair_writes_it_holds_nothing_odd(record):
    assert odd_rows(record) == []


def test_a_line_about_odd_rows_names_the_record_and_what_differs(desk, change):
    change("UPDATE run_steps SET outcome = '[[['")
    said = desk.says("report")
    assert said.code == 2
    assert said.error.startswith("localfair.db is not as localfair wrote it: run step ")
    assert said.hint.startswith("`localfair db verify --db localfair.db` says all that differs")


@pytest.mark.parametrize("name", ["../precious", "{folder}/precious"])
def test_an_adapter_that_is_another_folder_is_never_deleted_with_what_nobody_needs(
    desk, change, name
):
    precious = desk.folder / "precious"
    precious.mkdir()
    (precious / "letter").write_text("dear")
    path = name.format(folder=desk.folder)
    change(
        "INSERT INTO adapters (id, role, base, settings, path, sha256, steps, seconds, tokens,"
        f" created, peak_memory) VALUES"
        f" ('b2:{path}', 'student', 'nobody', '{{}}', '{path}', '', 1, 1, 1, '', 1)"
    )
    said = desk.says("db", "gc")
    assert said.code == 2
    assert "an id that localfair never makes" in said.error
    assert (precious / "letter").read_text() == "dear"
    verified = desk.says("db", "verify")
    assert "lies outside the record's folder" in verified.out


def circle(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, circle], ids=lambda make: make.__name__)
def test_what_is_no_file_is_never_waited_for(desk, make):
    make(desk.folder / "localfair.db")
    for command in READS:
        said = desk.says(*command)
        assert said.code == 2
        assert "\n" not in said.error
