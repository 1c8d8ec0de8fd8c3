"""`localfair browse`: the record in a browser, read-only, with names and links, without secrets."""

import asyncio
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from localfair.record.browsing import QUERIES
from tests.chromium import CONTRAST, WIDE, Page, chromium
from tests.cli.conftest import review
from tests.record.old_versions import todays_record

pytest.importorskip("datasette")

from localfair.cli.record_pages import NAME, pages_of

SECRET_SQL = (
    "select * from secrets",
    "select hex(value) from main.secrets",
    "with x as (select value from secrets) select * from x",
    "select length(s.value) from questions, secrets s",
)
VIEWS = ("question_history", "exam_rows", "lesson_origin", "reviewer_worth")


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return todays_record(tmp_path_factory.mktemp("browsed"))


def get(record, *addresses, searchable=True):
    """The status and the text of pages."""
    pages = pages_of(record, searchable=searchable)

    async def ask():
        replies = [await pages.client.get(address) for address in addresses]
        return [(reply.status_code, reply.text) for reply in replies]

    try:
        return asyncio.run(ask())
    finally:
        pages.executor.shutdown()
        pages.get_database(NAME).close()


def column(page, name):
    return re.findall(rf'<td class="col-{name}[^"]*">(.*?)</td>', page, re.DOTALL)


def test_views_and_canned_queries_are_pages(record):
    addresses = [f"/record/{name}" for name in (*VIEWS, *QUERIES)]
    assert [status for status, _ in get(record, *addresses)] == [200] * len(addresses)


def test_cells_are_links_with_names_instead_of_hashes(record):
    [(_, answers), (_, history)] = get(record, "/record/answers", "/record/question_history")
    for cell in column(answers, "seat"):
        assert re.fullmatch(
            r'<a href="/record/seats/b2~3A\w+" title="b2:\w+">student#0 .+</a>', cell
        )
    assert {"1", "2"} <= {re.sub("<.*?>", "", cell) for cell in column(answers, "question")}
    links = re.findall(r'href="(/record/\w+/b2~3A\w+)"', "".join(column(history, "row")))
    kinds = {link.split("/")[2] for link in links}
    assert {"questions", "answers", "explanations", "reviews", "verdicts", "lessons"} <= kinds
    assert {status for status, _ in get(record, *links[:3], *links[-3:])} == {200}


def test_what_was_said_is_searched(record):
    [(status, page)] = get(record, "/record/search?words=answer")
    assert status == 200
    assert column(page, "generation") != []
    # words are words, whatever they are made of
    for words in ("a AND", "*", "'; drop table said"):
        assert get(record, f"/record/search?words={quote(words)}")[0][0] == 200, words


def test_a_record_without_an_index_is_browsed_all_the_same(record, tmp_path):
    copy = tmp_path / "copy.db"
    copy.write_bytes(record.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DROP TABLE said")
    pages = get(copy, "/record", "/record/generations", "/record/search", searchable=False)
    assert [status for status, _ in pages] == [200, 200, 404]


def test_the_key_of_the_marks_cannot_be_read(record):
    with closing(sqlite3.connect(record)) as connection:
        [(key,)] = connection.execute("SELECT value FROM secrets WHERE name = 'fence'")
    addresses = ["/record/secrets", "/record/secrets/fence", "/record/secrets.json", "/record.db"]
    for sql in SECRET_SQL:
        addresses += [f"/record?sql={quote(sql)}", f"/record.json?sql={quote(sql)}"]
    for address, (status, text) in zip(addresses, get(record, *addresses), strict=True):
        assert status >= 400, address
        assert key.hex() not in text.lower(), address
    assert "secrets" not in get(record, "/record")[0][1]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from runs",
        "select load_extension('x')",
        "select * from pragma_query_only(0)",
        "select 1; attach 'other.db' as other",
        "select writefile('written', 'x')",
    ],
)
def test_nothing_is_written_and_nothing_else_is_opened(record, sql):
    before = record.read_bytes()
    assert get(record, f"/record?sql={quote(sql)}")[0][0] == 400
    assert record.read_bytes() == before


def test_pages_name_nothing_to_load_from_elsewhere(record):
    addresses = ["/", "/record", "/record/answers", "/record/search?words=a"]
    for address, (_, page) in zip(addresses, get(record, *addresses), strict=True):
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(.*?)\"", page)
        elsewhere = [url for url in loaded if not url.startswith(("/", "http://localhost/"))]
        assert elsewhere == [], address


def test_a_run_that_goes_on_is_browsed(desk):
    desk.says(*review())
    from localfair.record.store import Store

    path = desk.folder / "localfair.db"
    with Store.open(path, create=True):
        assert get(path, "/record/answers")[0][0] == 200


@pytest.fixture(scope="module")
def served(record):
    """The address at which a process of its own serves the record."""
    code = "from localfair.cli import main; main()"
    command = [sys.executable, "-c", code, "browse", "--db", str(record)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    yield server.stdout.readline().strip()
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=60) == 0
    assert list(record.parent.glob("*.db-*")) == []  # nothing lies beside it


def test_it_serves_this_machine_alone_until_ctrl_c(served):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/record", served)
    with urlopen(served, timeout=60) as reply:
        assert "reviewer_worth" in reply.read().decode()
    # another site whose name leads here
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(served, headers={"Host": "elsewhere.example"}), timeout=60)


@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_quiet_in_a_browser_and_ask_nobody_else(served, width):
    names = ("", "/question_history", "/answers", "/disagreeing_reviews", "/search?words=answer")
    origin = served.removesuffix("/record")
    with Page(width) as page:
        for name in names:
            page.opens(f"{served}{name}")
            assert page.problems == [], name
            assert page.value(WIDE) == 0, name
            assert page.value(CONTRAST) == [], name
        elsewhere = [url for url in page.requests if not url.startswith((origin, "data:"))]
        assert elsewhere == []


@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
def test_axe_has_nothing_to_say_of_a_page(served, axe):
    names = ("", "/answers?seat__contains=a&_facet=seat", "/search?words=answer", "/nothing")
    # a narrow page has fields that a wide one leaves out
    with Page(390) as page:
        for address in (served.removesuffix("record"), *(f"{served}{name}" for name in names)):
            page.opens(address)
            assert page.violations(axe) == [], address


def test_a_port_in_use_is_one_line(desk):
    desk.says(*review())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = desk.says("browse", "--port", port)
    assert said.code == 2
    assert said.error == f"cannot listen on port {port}: Address already in use"


@pytest.mark.parametrize("args", [["--port", "0"], ["--port", "x"], ["--db", "none.db"]])
def test_what_cannot_be_served_is_one_line(desk, args):
    said = desk.says("browse", *args)
    assert said.code == 2
    assert said.error
