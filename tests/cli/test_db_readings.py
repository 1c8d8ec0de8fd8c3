"""`localfair db`: what was tampered with is named, what is old is read again or migrated."""

import sqlite3
from contextlib import closing

from localfair.record.schema import VERSION
from tests.cli.conftest import review
from tests.record.old_versions import restore


def change(desk, statement, name="localfair.db"):
    with closing(sqlite3.connect(desk.folder / name)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_changed_reply_is_named(desk):
    desk.says(*review())
    change(desk, "UPDATE generations SET text = 'The answer is 9.' WHERE rowid = 1")
    said = desk.says("db", "verify")
    assert said.code == 1
    assert "is not what was written: its seal is broken" in said.out
    assert said.err.endswith("problems\n")


def test_an_old_record_is_sound_and_its_notes_stand_on_stderr(desk):
    restore(3, desk.folder / "old.db")
    said = desk.says("db", "verify", "--db", "old.db")
    assert (said.code, said.out) == (0, "")
    *notes, last = said.err.splitlines()
    assert last == "sound"
    assert all(note.startswith("note: ") for note in notes)
    assert any("were read by an older reader" in note for note in notes)


def test_reading_again_says_how_many_rows_it_changes(desk):
    restore(3, desk.folder / "old.db")
    change(desk, "UPDATE reviews SET score = 2", "old.db")
    dry = desk.says("db", "reread", "--db", "old.db", "--dry-run").out.splitlines()
    assert dry[2] == "reviews: 12 read again, 12 would change"
    done = desk.says("db", "reread", "--db", "old.db").out.splitlines()
    assert done[2] == "reviews: 12 read again, 12 changed"
    again = desk.says("db", "reread", "--db", "old.db").out.splitlines()
    assert again[2] == "reviews: 0 read again, 0 changed"
    assert desk.says("db", "verify", "--db", "old.db").code == 0


def test_a_record_that_cannot_be_read_again_is_one_line_and_a_hint(desk):
    restore(3, desk.folder / "old.db")
    change(desk, "UPDATE verdicts SET policy = '{' WHERE rowid = 1", "old.db")
    said = desk.says("db", "reread", "--db", "old.db")
    assert said.code == 2
    assert "cannot be read again" in said.error
    assert said.hint == "see `localfair db verify`"


def test_migrating_says_where_the_record_is_as_it_was(desk):
    restore(1, desk.folder / "old.db")
    said = desk.says("db", "migrate", "--db", "old.db")
    assert (said.code, said.out) == (0, "")
    assert said.err == f"migrated; the record as it was: old.db.before-{VERSION}\n"
    assert (desk.folder / f"old.db.before-{VERSION}").is_file()
    assert desk.says("db", "migrate", "--db", "old.db").err == "up to date\n"


def test_there_is_nothing_to_migrate_where_there_is_no_record(desk):
    said = desk.says("db", "migrate", "--db", "none.db")
    assert said.code == 2
    assert "there is no database" in said.error
