"""The record as pages of datasette: read-only, with labels and links, and without its secrets.

Reads the record and serves what it reads to this machine alone; writes nothing. Needs the extra
`browse`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from socket import socket
from typing import Any

import rich
import uvicorn
from datasette import hookimpl
from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm
from datasette.utils import tilde_encode
from markupsafe import Markup

import localfair.report
from localfair.record.browsing import (
    QUERIES,
    SEARCHED,
    SECRETS,
    connect_to_browse,
    label_of,
)
from localfair.record.search import has_index
from localfair.record.store import Store

NAME = "record"  # of the database, in addresses
STYLES = "styles"  # in addresses
TEMPLATES = Path(localfair.report.__file__).parent / "templates" / "browse"
MILLISECONDS = 10_000  # that a query may take
# what each column names a row of, in tables and in views
COLUMNS = {
    "question": "questions",
    "answer": "answers",
    "explanation": "explanations",
    "review": "reviews",
    "verdict": "verdicts",
    "lesson": "lessons",
    "generation": "generations",
    "adapter": "adapters",
    "parent": "adapters",
    "seat": "seats",
    "author": "seats",
    "run": "runs",
    "first_run": "runs",
    "export": "exports",
}
DESCRIPTION = "What localfair recorded. Nothing can be changed here."
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def serve(path: Path, listening: socket) -> None:
    """Serve the record at `path` on a socket, until Ctrl-C."""
    with Store.open(path) as store:
        searchable = has_index(store)
    pages = pages_of(path, searchable=searchable)
    host, port = listening.getsockname()[:2]
    app = only_for(pages.app(), {f"{host}:{port}", f"localhost:{port}"})
    # what a page is refused stands on the page; datasette would print it here with all its variables
    rich.get_console().quiet = True
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        pages.executor.shutdown()
        pages.get_database(NAME).close()


def pages_of(path: Path, *, searchable: bool) -> Datasette:
    """The pages of a record. `searchable`: whether it has an index of what was said."""
    if not pm.is_registered(Cells):
        pm.register(Cells)
    queries = {**QUERIES, "search": SEARCHED} if searchable else QUERIES
    tables: dict[str, Any] = {SECRETS: {"allow": False, "hidden": True}}
    tables["questions"] = {"label_column": "key"}
    tables["seats"] = {"label_column": "model"}
    tables["runs"] = {"label_column": "recipe", "sort_desc": "started"}
    metadata = {
        "title": f"localfair: {path.name}",
        "description": DESCRIPTION,
        "extra_css_urls": [f"/{STYLES}/browse.css"],
        "extra_js_urls": [f"/{STYLES}/browse.js"],
        "databases": {NAME: {"tables": tables, "queries": queries}},
    }
    settings = {
        "allow_download": False,
        "default_allow_sql": True,
        "sql_time_limit_ms": MILLISECONDS,
        "suggest_facets": False,
        "truncate_cells_html": 400,
    }
    pages = Datasette(
        [],
        metadata=metadata,
        settings=settings,
        template_dir=str(TEMPLATES),
        static_mounts=[(STYLES, str(TEMPLATES))],
    )
    if "_memory" in pages.databases:
        pages.remove_database("_memory")
    pages.add_database(RecordDatabase(pages, path), name=NAME)
    return pages


class RecordDatabase(Database):  # type: ignore[misc]
    """A record that is opened as every reading command opens it, also while a run writes it."""

    def __init__(self, pages: Datasette, path: Path) -> None:
        super().__init__(pages, path=str(path), is_mutable=True)

    def connect(self, write: bool = False) -> sqlite3.Connection:
        """A connection that can only read, and not the secrets."""
        connection = connect_to_browse(Path(self.path))
        self._all_file_connections.append(connection)
        return connection

    async def table_names(self) -> list[str]:
        """The tables that may be looked at."""
        return [name for name in await super().table_names() if name != SECRETS]

    async def execute_fn(self, fn: Callable[[sqlite3.Connection], object]) -> Any:
        """What a function makes of a connection; what it may not read is an error that pages show."""
        try:
            return await super().execute_fn(fn)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise sqlite3.OperationalError(str(error)) from error


class Cells:
    """Cells that name a row become links with the row's name."""

    @staticmethod
    @hookimpl  # type: ignore[untyped-decorator]
    def render_cell(
        row: sqlite3.Row, value: object, column: str, database: str, datasette: Datasette
    ) -> Awaitable[Markup] | None:
        """The link of a cell; None for any other cell."""
        if isinstance(value, dict):  # a foreign key that datasette has looked up
            value = value["value"]
        table = COLUMNS.get(column)
        if column == "row" and "noun" in row.keys():  # noqa: SIM118 (no dict)
            table = COLUMNS.get(row["noun"])
        if database != NAME or table is None or not isinstance(value, str) or not value:
            return None
        return link_to(datasette, table, value)


async def link_to(pages: Datasette, table: str, row_id: str) -> Markup:
    """The name of a row, as a link to it."""
    label = await pages.get_database(NAME).execute_fn(
        lambda connection: label_of(connection, table, row_id)
    )
    address = pages.urls.row(NAME, table, tilde_encode(row_id))
    return Markup('<a href="{}" title="{}">{}</a>').format(address, row_id, label)


def only_for(app: App, hosts: set[str]) -> App:
    """An app that answers only where it is asked by its own address.

    A page from elsewhere whose name was pointed at this machine is refused.
    """

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        host = headers.get(b"host", b"").decode("latin-1")
        if scope["type"] != "http" or host in hosts:
            await app(scope, receive, send)
            return
        start = {"type": "http.response.start", "status": 403, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b"ask by the address that was printed\n"})

    return answer
