"""Bad input: one clear line on stderr, a `hint:` line, exit 2, and nothing half-written."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest

from localfair.record.schema import APPLICATION_ID, VERSION
from tests.cli.conftest import review, seats
from tests.models.weights import card_text, gguf

BOTH = seats("anna", "bert")


@pytest.fixture
def refused(desk):
    """Run what must be refused and leave the folder as it was; the error and the hint."""

    def refused(*args):
        before = desk.files()
        said = desk.says(*args)
        assert said.code == 2, said
        assert said.out == ""
        assert desk.files() == before
        return said.error, said.hint

    return refused


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (["run", "fair", "--train-limit", "-1"], "Invalid value for '--train-limit': -1 is", "see"),
        (["run", "fair", "--limit", "-1"], "Invalid value for '--limit': -1 is", "see"),
        (["run", "fair", "--test-limit", "1" * 30], "Invalid value for '--test-limit'", "see"),
        (["run", "fair", "--seed", "inf"], "Invalid value for '--seed': 'inf' is not", "see"),
        (["run", "fair", "--seed", "9" * 20], "Invalid value for '--seed'", "see"),
        (["run", "fair", "--batch", "nan"], "Invalid value for '--batch': 'nan' is not", "see"),
        (["run", "fair", "--batch", "99999999999"], "Invalid value for '--batch'", "see"),
        (["reviewers", "--precision", "nan"], "Invalid value for '--precision': nan is", "see"),
        (["reviewers", "--precision", "inf"], "Invalid value for '--precision': inf is", "see"),
        (["compare", "fair", "--seeds", "0,1e3"], "Invalid value for '--seeds'", "see"),
        (["compare", "fair", "--seeds", "9" * 30], "Invalid value for '--seeds'", "see"),
        (["models", "fit", "x", "--context", "0"], "Invalid value for '--context'", "see"),
        (["rnu"], "there is no command 'rnu'", "did you mean 'run'?"),
        (["db", "verfy"], "No such command 'verfy'.", "did you mean 'verify'?"),
        (
            ["run", "fair", "--studnt", "x"],
            "No such option '--studnt'.",
            "did you mean '--student'?",
        ),
        ([], "`localfair` needs a command", "see `localfair --help`"),
        (["recipes"], "`localfair recipes` needs a command", "see `localfair recipes --help`"),
        (["run"], "Missing argument 'RECIPE'.", "see `localfair run --help`"),
        (["run", "fiar"], "unknown recipe 'fiar'", "did you mean 'fair'?"),
        (["recipes", "show", "fiar"], "unknown recipe 'fiar'", "did you mean 'fair'?"),
        (["recipes", "check", "fiar"], "unknown recipe 'fiar'", "did you mean 'fair'?"),
        (["recipes", "copy", "fiar"], "unknown recipe 'fiar'", "did you mean 'fair'?"),
        (
            ["run", "fair", *BOTH, "--task", "arithmtic-1"],
            "there is no task 'arithmtic-1'",
            "did you mean 'arith",
        ),
        (["tasks", "show", "svmp"], "there is no task 'svmp'", "did you mean 'svamp'?"),
        (
            ["models", "check", "qwen3-4"],
            "there is no model card called 'qwen3-4'",
            "did you mean 'qwen3-4b'?",
        ),
        (
            review("--student", "smollm2-135m"),
            "no model card called 'smollm2-135m'",
            "did you mean 'smollm2-135m-in",
        ),
        (
            review("--teacher", "smollm2-135m"),
            "no model card called 'smollm2-135m'",
            "did you mean 'smollm2-135m-in",
        ),
        (review("--student", "none.gguf"), "none.gguf", "give a .gguf"),
        (["models", "add", "none.gguf"], "none.gguf", "give a .gguf"),
        (
            review("--step", "revew"),
            "recipe 'fair' has no review step 'revew'",
            "did you mean 'review'?",
        ),
        (
            review("--train-limit", "0"),
            "Invalid value for '--train-limit': 0",
            "see `localfair review --help`",
        ),
        (
            review("--train-limit", "-3"),
            "Invalid value for '--train-limit': -3",
            "see `localfair review --help`",
        ),
        (
            review("--test-limit", "0"),
            "Invalid value for '--test-limit': 0",
            "see `localfair review --help`",
        ),
        (review("--batch", "0"), "Invalid value for '--batch': 0", "see `localfair review --help`"),
        (review("--seed", "x"), "Invalid value for '--seed': 'x'", "see `localfair review --help`"),
        (review("--engine", "lama_cpp"), "unknown engine 'lama_cpp'", "did you mean 'llama_cpp'?"),
        (
            review("--precision", "fp8"),
            "Invalid value for '--precision': 'fp8'",
            "see `localfair review --help`",
        ),
        (
            ["run", "fair", "--task", "arithmetic-1"],
            "recipe 'fair' needs --student",
            "see `localfair run",
        ),
        (["run", "fair"], "recipe 'fair' needs --task and --student", "see `localfair run"),
        (["report", "--db", "none.db"], "there is no database at none.db", "--db FILE"),
        (["db", "verify", "--db", "none.db"], "there is no database at none.db", "--db FILE"),
        (["db", "tables", "--db", "none.db"], "there is no database at none.db", "--db FILE"),
        (["db", "path", "--db", "none.db"], "there is no database at none.db", "--db FILE"),
        (["grade", "svamp", "none.jsonl"], "none.jsonl: No such file", "each line must be"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_name_or_value_gets_the_nearest_right_one(refused, args, error, hint):
    refusal, advice = refused(*args)
    assert error in refusal
    assert hint in advice


@pytest.mark.parametrize(
    ("setting", "error", "hint"),
    [
        ("nonsense", "'nonsense' is not of the form step.key=value", "e.g. --set"),
        ("revew.gold=false", "no step 'revew'", "did you mean 'review'?"),
        ("review.acept=1", "review.acept: unknown key; did you mean 'accept'?", "recipes show"),
        (
            "review.accept.mean_abov=1",
            "review.accept.mean_abov: unknown key; did you mean 'mean_above'?",
            "recipes",
        ),
        (
            "review.sampling.temprature=1",
            "review.sampling.temprature: unknown key; did you mean 'temperature'?",
            "",
        ),
        ("train.adapter.rnk=1", "train.adapter.rnk: unknown key; did you mean 'rank'?", ""),
        (
            "inquire.write.feedbak={}",
            "inquire.write.feedbak: unknown key; did you mean 'feedback'?",
            "",
        ),
        ("rouns=2", "rouns: unknown key; did you mean 'rounds'?", ""),
        (
            "review.accept.mean_above=high",
            "review.accept.mean_above: input should be a valid number",
            "",
        ),
        ("rounds=two", "rounds: input should be a valid integer", ""),
        ("review.mode.x=1", "'mode' has no keys of its own", ""),
        ("review.mode=harsh", "review.mode: input should be 'reasoned', 'direct' or 'none'", ""),
        ("exam.stage=zxam", "exam: value 'zxam' for 'stage'", ""),
        ("exam.split=dev", "inquire: mistakes come from an exam on the train split", ""),
        ("train.loss=[]", "train.loss", ""),
        (
            "review.accept.min_reviews=3",
            "review wants 3 reviews of each explanation, this committee can give 1",
            "",
        ),
    ],
)
def test_a_wrong_setting_is_named_by_its_step(refused, setting, error, hint):
    refusal, advice = refused(*review("--set", setting))
    assert error in refusal
    assert hint in advice


def with_settings(*settings):
    """`review()` with a --set for each."""
    options = []
    for setting in settings:
        options += ["--set", setting]
    return review(*options)


def test_all_errors_of_a_recipe_are_said_at_once(refused):
    command = with_settings("rouns=2", "review.acept=1", "exam.sampling.top_p=7", "train.epochs=0")
    error, _ = refused(*command)
    assert error.startswith("recipe 'fair' has 4 problems")
    for name in ("rouns", "review.acept", "exam.sampling.top_p", "train.epochs"):
        assert name in error


def test_settings_that_name_no_step_do_not_hide_the_others(refused):
    command = with_settings("revew.gold=true", "nonsense", "review.acept=1", "train.epochs=0")
    error, _ = refused(*command)
    assert error.startswith("recipe 'fair' has 4 problems")
    assert "did you mean 'review'?" in error


def test_every_recipe_that_is_wrong_is_named_and_the_others_are_listed(desk):
    for name, old, new in (("one", "rounds ", "rouns "), ("two", "[[before]]", "[[before")):
        desk.says("recipes", "copy", "fair", name)
        path = desk.folder / "recipes" / name / "recipe.toml"
        path.write_text(path.read_text().replace(old, new, 1))
    for command in ("list", "check"):
        said = desk.says("recipes", command)
        assert said.code == 2
        assert said.error.splitlines()[0] == "2 recipes are not valid"
        assert "did you mean 'rounds'?" in said.error
        assert "two/recipe.toml is not TOML" in said.error
        assert "\nquickstart" in said.out
        assert "\none" not in said.out


def test_a_recipe_without_its_prompt_is_refused(desk, refused):
    desk.says("recipes", "copy", "fair", "mine")
    (desk.folder / "recipes/mine/prompts/write-feedback.md").unlink()
    error, _ = refused("run", "mine", *BOTH)
    assert "prompts/write-feedback.md is missing" in error


def test_a_recipe_that_is_not_a_file_is_refused(desk, refused):
    (desk.folder / "recipes/odd/recipe.toml").mkdir(parents=True)
    error, hint = refused("recipes", "check", "odd")
    assert "odd/recipe.toml: Is a directory" in error
    assert "check the path" in hint


@pytest.mark.parametrize("name", ["../mine", "a/b", "/tmp/mine", ".mine", "A b"])
def test_a_recipe_is_copied_only_into_the_workspaces_recipes(refused, name):
    error, _ = refused("recipes", "copy", "fair", name)
    assert f"{name!r} cannot name a recipe" in error


def test_a_recipe_is_never_copied_over_another(desk, refused):
    desk.says("recipes", "copy", "fair", "mine")
    error, _ = refused("recipes", "copy", "tinyllm", "mine")
    assert "recipes/mine exists already" in error


# -- the committee --------------------------------------------------------------------------------


def test_a_committee_without_teachers_is_refused(refused):
    error, hint = refused(*review(teachers=()))
    assert "needs at least one teacher" in error
    assert "--teacher MODEL" in hint


def test_one_teacher_cannot_review_itself_and_is_told_what_can(refused):
    error, hint = refused(*review(teachers=("anna",)))
    assert "review wants 1 reviews of each explanation, this committee can give 0" in error
    for way in ("--teacher", "--reviewer", "--set review.mode=none"):
        assert way in hint


@pytest.mark.parametrize("way", [("--reviewer", "bert.script.toml"), ("--set", "review.mode=none")])
def test_each_way_out_of_one_teacher_works(desk, way):
    said = desk.says(*review(*way, teachers=("anna",)))
    assert said.code == 0, said.err


@pytest.mark.parametrize("args", [("exam", "fair"), ("exam", "fair", "--step", "exam")])
def test_an_exam_alone_needs_no_teacher(desk, args):
    said = desk.says(
        *args, *seats(), "--task", "arithmetic-1", "--train-limit", 2, "--test-limit", 2
    )
    assert said.code == 0, said.err


# -- weights --------------------------------------------------------------------------------------


@pytest.fixture
def tiny(desk):
    """A card `tiny` with its weights in the workspace."""
    path = gguf(desk.folder / "models/weights/tiny.gguf")
    card = card_text(sha256=sha256_of(path), size=path.stat().st_size)
    (desk.folder / "models/tiny.toml").write_text(card)
    return path


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


WITH_TINY = [("models", "check", "tiny"), review("--student", "tiny"), review("--teacher", "tiny")]


@pytest.mark.parametrize("args", WITH_TINY, ids=["check", "student", "teacher"])
def test_missing_weights_say_how_to_get_them(tiny, refused, args):
    tiny.unlink()
    error, hint = refused(*args)
    assert "the weights of tiny (tiny.gguf) are not here" in error
    assert "models add FILE" in hint


def test_missing_weights_of_a_shipped_card_can_be_fetched(refused):
    _, hint = refused(*review("--teacher", "qwen3-4b"))
    assert "localfair models fetch qwen3-4b" in hint


@pytest.mark.parametrize("args", WITH_TINY, ids=["check", "student", "teacher"])
def test_corrupt_weights_are_named_by_their_hash(tiny, refused, args):
    right = sha256_of(tiny)
    tiny.write_bytes(tiny.read_bytes()[:-1] + b"\1")
    wrong = sha256_of(tiny)
    error, _ = refused(*args)
    assert f"tiny.gguf has sha256 {wrong}, expected {right}" in error


@pytest.mark.parametrize("kept", [0, 3, 100, -100])
@pytest.mark.parametrize("args", [*WITH_TINY, ("models", "add", "models/weights/tiny.gguf")])
def test_a_truncated_gguf_is_refused_whatever_is_left_of_it(tiny, refused, args, kept):
    tiny.write_bytes(tiny.read_bytes()[:kept])
    error, _ = refused(*args)
    assert "tiny.gguf" in error
    assert any(words in error for words in ("cut short", "not a GGUF", "it is empty"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, "there is no script none.script.toml"),
        ("", "'rule'"),
        ("x", "is not a script"),
        ('[[rule]]\nwhen = "("', "is not a scr"),
    ],
)
def test_a_script_that_is_none_is_refused(desk, refused, text, error):
    if text is not None:
        desk.script("none", text)
    refusal, _ = refused(*review("--teacher", "none.script.toml"))
    assert error in refusal


# -- data -----------------------------------------------------------------------------------------

GOOD = '{"question": "One and one?", "answer": "2"}'


@pytest.mark.parametrize(
    ("task", "name", "text", "where"),
    [
        ("table", "t.jsonl", f"{GOOD}\n{{oops\n", "t.jsonl line 2: is not JSON"),
        (
            "table",
            "t.jsonl",
            f'{GOOD}\n{{"question": "Two?"}}\n',
            "t.jsonl line 2: has no 'answer'",
        ),
        ("table", "t.csv", "question,answer\na,1\nb,2,3\n", "t.csv line 3: has more cells"),
        ("table", "t.csv", "question,answer\n", "t.csv: holds no questions"),
        ("table", "t.csv", "", "t.csv line 1: the file is empty"),
        ("table", "t.jsonl", "\n\n", "t.jsonl line 1: the file is empty"),
        ("svamp", "SVAMP.json", '[{"ID": 1}]', "SVAMP.json item 1: has no 'Answer'"),
        ("svamp", "SVAMP.json", "[\n{},\n", "SVAMP.json line 3: is not JSON"),
        ("gsm8k", "train.jsonl", '{"question": "x"}\n', "train.jsonl line 1: has no 'answer'"),
        ("gsm8k", "nowhere", None, "nowhere: No such file"),
        ("gsm8k", ".", None, "has no train.jsonl, test.jsonl"),
        ("arithmetic-1", "t.csv", "x", "'arithmetic-1' reads no files"),
    ],
)
def test_data_in_the_wrong_layout_names_file_and_line(desk, refused, task, name, text, where):
    if text is not None:
        (desk.folder / name).write_text(text)
    of_a_run, _ = refused("review", "fair", *BOTH, "--task", task, "--data", name)
    of_an_import, _ = refused("tasks", "import", task, name, "--strict", "--db", "new.db")
    assert where in of_a_run
    assert where in of_an_import


def test_a_line_that_is_not_utf8_is_named(desk, refused):
    (desk.folder / "t.jsonl").write_bytes(GOOD.encode() + b"\n\xff\xfe\n")
    error, _ = refused("review", "fair", *BOTH, "--task", "table", "--data", "t.jsonl")
    assert "t.jsonl line 2: is not UTF-8" in error


def test_a_task_without_questions_is_refused_before_a_database_is_made(refused):
    error, hint = refused("review", "fair", *BOTH, "--task", "svamp", "--db", "new.db")
    assert "'svamp' has no questions" in error
    assert "--data PATH" in hint


@pytest.mark.parametrize(
    ("split", "missing"), [("test", "train questions, and exam"), ("train", "test questions")]
)
def test_data_without_a_split_that_a_step_needs_is_refused(desk, refused, split, missing):
    (desk.folder / "t.csv").write_text(f"question,answer,split\nOne and one?,2,{split}\n")
    by_split = ("--as", "mine", "--split-column", "split")
    desk.says("tasks", "import", "table", "t.csv", *by_split, "--db", "mine.db")
    error, _ = refused("review", "fair", *BOTH, "--task", "mine", "--db", "mine.db")
    assert missing in error


# -- the database ---------------------------------------------------------------------------------


def make_database(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


ANY_COMMAND = [review(), ("report",), ("db", "verify"), ("db", "tables"), ("db", "path")]
NAMES = ["review", "report", "verify", "tables", "path"]


@pytest.mark.parametrize("args", ANY_COMMAND, ids=NAMES)
def test_a_database_of_a_newer_version_is_left_alone(desk, refused, args):
    make_database(
        desk.folder / "new.db",
        f"PRAGMA application_id={APPLICATION_ID}",
        f"PRAGMA user_version={VERSION + 1}",
        "CREATE TABLE x (a)",
    )
    error, hint = refused(*args, "--db", "new.db")
    assert "was written by a newer localfair" in error
    assert "upgrade" in hint


@pytest.mark.parametrize("args", ANY_COMMAND, ids=NAMES)
def test_another_programs_database_is_left_alone(desk, refused, args):
    make_database(desk.folder / "other.db", "CREATE TABLE x (a)")
    error, _ = refused(*args, "--db", "other.db")
    assert "some other program's database" in error


@pytest.mark.parametrize("args", ANY_COMMAND, ids=NAMES)
@pytest.mark.parametrize(
    ("db", "error"),
    [
        ("student.script.toml", "is not a localfair database"),
        (".", "cannot open ."),
        ("no/such/x.db", "no/such"),
        ("/proc/localfair.db", "/proc/localfair.db"),
    ],
)
def test_what_cannot_be_a_database_is_refused(refused, args, db, error):
    refusal, hint = refused(*args, "--db", db)
    assert error in refusal
    assert "--db" in hint


def test_a_damaged_database_is_called_damaged(desk):
    assert desk.says("tasks", "import", "arithmetic-1", "--db", "bad.db").code == 0
    path = desk.folder / "bad.db"
    content = path.read_bytes()
    path.write_bytes(content[:40_000] + b"\xff" * 400_000 + content[440_000:])
    for args in (review(), ("db", "verify")):
        said = desk.says(*args, "--db", "bad.db")
        assert said.code in (1, 2)
        assert "Traceback" not in said.err
        assert "malformed" in said.err + said.out


def test_a_run_that_is_not_there_is_refused(desk):
    desk.says(*review())
    said = desk.says("report", "nope")
    assert said.code == 2
    assert "there is no run 'nope'" in said.error
    assert "--list" in said.hint
