"""Settings: a variable goes before the file, and what cannot be a setting is one line."""

import pytest

from localfair.errors import UsageError
from localfair.machine.settings import KEYS, settings


def values(workspace, **environ):
    """The settings that somebody says, and who."""
    said = settings(workspace, environ).values()
    return {each.name: (each.value, each.source) for each in said if each.source != "default"}


def write(folder, text):
    (folder / "localfair.toml").write_text(text)


def test_without_a_file_and_variables_nothing_is_set(tmp_path):
    assert values(tmp_path) == {}
    assert list(settings(tmp_path, {})) == list(KEYS)


def test_the_file_and_the_variables_say_what_every_command_repeats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 'db = "my.db"\nteachers = ["a", "b"]\nthreads = 2\nengine = "xllamacpp"\n')
    said = values(tmp_path, LOCALFAIR_DB="other.db", LOCALFAIR_STUDENT="tiny", OTHER="x")
    assert said == {
        "db": ("other.db", "LOCALFAIR_DB"),
        "student": ("tiny", "LOCALFAIR_STUDENT"),
        "teachers": (("a", "b"), "localfair.toml"),
        "engine": ("xllamacpp", "localfair.toml"),
        "threads": (2, "localfair.toml"),
    }


@pytest.mark.parametrize("text", ["a b", "a,b", " a, b "])
def test_a_variable_names_several_teachers(tmp_path, text):
    assert values(tmp_path, LOCALFAIR_TEACHERS=text)["teachers"][0] == ("a", "b")


def test_a_record_that_the_file_names_lies_beside_the_file(tmp_path):
    write(tmp_path, 'db = "my.db"')
    assert values(tmp_path)["db"][0] == str(tmp_path / "my.db")
    write(tmp_path, 'db = "/elsewhere/my.db"')
    assert values(tmp_path)["db"][0] == "/elsewhere/my.db"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('dbb = "x"', "unknown setting 'dbb'"),
        ("db = 3", "db is 3"),
        ('db = ""', "db is ''"),
        ("db = ", "is not TOML"),
        ("threads = 0", "threads is 0"),
        ("threads = true", "threads is True"),
        ('teachers = "a"', "teachers is 'a'"),
        ("teachers = [1]", r"teachers is \[1\]"),
        ("[table]\na = 1", "unknown setting 'table'"),
    ],
)
def test_what_is_no_setting_is_refused_with_the_file(tmp_path, text, problem):
    write(tmp_path, text)
    with pytest.raises(UsageError, match=rf"localfair\.toml.*{problem}"):
        settings(tmp_path, {})


@pytest.mark.parametrize("text", ["many", "0", "-1", "²", "9" * 30])
def test_a_variable_that_is_no_setting_is_refused_by_its_name(tmp_path, text):
    with pytest.raises(UsageError, match="LOCALFAIR_THREADS: threads is"):
        settings(tmp_path, {"LOCALFAIR_THREADS": text})
