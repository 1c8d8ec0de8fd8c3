"""Sixty hostile questions and replies beside sixty plain ones: no command and no page shows another line,
another row or another element for them, and no terminal gets a code.
"""

import asyncio
import csv
import io
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
import tomli_w

from localfair.machine.terminal import shown
from localfair.record.store import Store
from tests.cli.conftest import Desk
from tests.cli.test_terminal import is_clean
from tests.hostile_replies import HOSTILE
from tests.lab import Lab, script

# what no file of questions and no engine can hold
STORABLE = [text.replace("\x00", "\\0").encode("utf-8", "replace").decode() for text in HOSTILE]
PLAIN = [f"plain words, number {number}" for number in range(len(STORABLE))]
JOINER = "\u200d"  # belongs to emoji
CODES = ("\x1b", "\u202e", "\x9b", "\x7f", "\u2028", "\n\n", "\r", "aaa")
# the keys of the questions that hold codes: their lines in the file
WITH_CODES = [
    str(number) for number, text in enumerate(STORABLE, 1) if any(code in text for code in CODES)
]
TESTED = 30  # of the questions; half of the others are train questions


def rules(texts, end, about=""):
    """A rule a question, which says the question's text."""
    return [
        {"when": f"(?s){about}item {number:02}\\b", "replies": [f"{text} {end}"]}
        for number, text in enumerate(texts)
    ]


def model(folder, name, *rules_of):
    """A scripted model with a context that the longest of the texts fits."""
    rules = [rule for each in rules_of for rule in each]
    return script(folder, name, tomli_w.dumps({"context": 100_000, "rule": rules}))


def written(folder, texts):
    """A record of two runs in which these texts are asked and said by everybody."""
    folder.mkdir()
    wrong, right = rules(texts, "The answer is 1."), rules(texts, "The answer is 2.")
    # a review's score stands in brackets
    unscored = [text.translate({ord("["): "(", ord("]"): ")"}) for text in texts]
    reviews = rules(unscored, "[4]", "score in square brackets.*")
    lab = Lab(folder, model(folder, "student", wrong))
    lab.teachers = tuple(model(folder, f"t{n}", reviews, right) for n in range(2))
    splits = ["test"] * TESTED + ["train"] * (len(texts) - TESTED) + ["dev"]
    lab.write_questions(
        [
            {"question": f"{text} item {number:02}", "answer": "2", "split": split}
            for number, (text, split) in enumerate(zip([*texts, "plain"], splits, strict=True))
        ]
    )
    uncut = tuple(f"{step}.sampling.max_tokens=30_000" for step in ("before", "exam", "inquire"))
    lab.run(settings=uncut, until="select")
    lab.run(settings=uncut, until="before", student=model(folder, "better", right))
    return lab.db


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("said")
    return written(folder / "hostile", STORABLE), written(folder / "plain", PLAIN)


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


@pytest.fixture
def both(desk, records):
    """What a command says of the hostile record, and of the plain one.

    What a function of a record comes to is a word of the command line.
    """

    def says(*args):
        texts = []
        for record in records:
            words = [arg(record) if callable(arg) else arg for arg in args]
            said = desk.says(*words, "--db", record)
            assert said.code == 0, said.err
            assert is_clean((said.out + said.err).replace(JOINER, ""))
            texts.append(said.out)
        return texts

    return says


def first(noun):
    """The id of the first row of a noun in a record."""

    def of(record):
        with Store.open(record) as store:
            return store.first_column(f"SELECT id FROM {noun} ORDER BY rowid")[0]

    return of


def newer_run(record):
    with Store.open(record) as store:
        return store.first_column("SELECT id FROM runs ORDER BY started")[1]


@pytest.mark.parametrize(
    "args",
    [
        ["report"],
        ["report", "--latex"],
        ["report", "--list"],
        ["status"],
        ["reviewers"],
        ["diff", first("runs"), newer_run, "--all"],
    ],
)
def test_a_command_says_as_many_lines_of_hostile_texts_as_of_plain_ones(both, args):
    hostile, plain = (text.splitlines() for text in both(*args))
    assert len(hostile) == len(plain) > 1


def test_each_answer_is_one_row_of_a_table(both):
    tables = [list(csv.DictReader(io.StringIO(text))) for text in both("report", "--rows", "csv")]
    assert len(tables[0]) == len(tables[1]) == TESTED
    for row in tables[0]:
        assert row.keys() == tables[1][0].keys()


BRANCH = re.compile(r"^[│ ]*[├└]─ (?:b2:)?[0-9a-f]+ +(\w+)", re.MULTILINE)


@pytest.mark.parametrize("options", [[], ["--full"]])
def test_the_history_of_a_question_has_the_same_branches(desk, records, options):
    branches = []
    for record in records:
        with Store.open(record) as store:
            ids = {row["key"]: row["id"] for row in store.rows("SELECT key, id FROM questions")}
        said = [desk.says("show", ids[key], *options, "--db", record).out for key in WITH_CODES]
        assert all(is_clean(text.replace(JOINER, "")) for text in said)
        branches.append([sorted(BRANCH.findall(text)) for text in said])
    assert branches[0] == branches[1]
    assert len(branches[0][-1]) >= 6


def test_a_chat_goes_on_line_by_line(desk, monkeypatch):
    spoken = [{"when": f"^{number}$", "replies": [text]} for number, text in enumerate(STORABLE)]
    desk.script("hostile", tomli_w.dumps({"rule": spoken}))
    lines = "".join(f"{number}\n/new\n" for number in range(len(STORABLE)))
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    said = desk.says("chat", "--bare", "--model", "hostile.script.toml")
    assert said.code == 0
    assert is_clean(said.out.replace(JOINER, ""))
    assert said.out.count("\n") == sum(shown(text).count("\n") + 1 for text in STORABLE)


class Elements(HTMLParser):
    """How often each element stands on a page, with the names of its attributes."""

    def __init__(self, text):
        super().__init__()
        self.count = Counter()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.count[tag, *sorted(name for name, _ in attributes)] += 1


def test_a_page_of_the_record_has_the_same_elements(records):
    pytest.importorskip("datasette")
    from localfair.cli.record_pages import NAME, pages_of

    addresses = ("/record/questions?_size=max", "/record/answers?_size=max")
    addresses += ("/record/question_history?_size=50", "/record/search?words=answer")
    counts = []
    for record in records:
        pages = pages_of(record, searchable=True)

        async def texts(pages=pages):
            return [(await pages.client.get(address)).text for address in addresses]

        counts.append([Elements(text).count for text in asyncio.run(texts())])
        pages.executor.shutdown()
        pages.get_database(NAME).close()
    for hostile, plain in zip(*counts, strict=True):
        assert hostile == plain
    assert counts[0][0]["tr",] > len(STORABLE)
