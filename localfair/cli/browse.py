"""`localfair browse`: take a port of this machine, have `record_pages` serve the record there."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from localfair.errors import MissingDependency, UsageError
from localfair.machine.terminal import echo

LOOPBACK = "127.0.0.1"


@click.command(
    epilog="\b\nExamples:\n  localfair browse\n  localfair browse --db night.db --port 8001"
)
@click.option(
    "--db", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
@click.option("--port", type=click.IntRange(1, 65535), help="Default: one that is free.")
def browse(db: Path, port: int | None) -> None:
    """Show the record in a browser, until Ctrl-C.

    Nothing is written, nothing is loaded from elsewhere, and only this machine can ask.
    """
    from localfair.record.store import Store

    with Store.open(db):  # says what is wrong with it
        pass
    try:
        from localfair.cli.record_pages import serve
    except ImportError as error:
        raise MissingDependency(
            f"browsing needs the package 'datasette' ({error})", "pip install 'localfair[browse]'"
        ) from error
    with _listening(port) as listening:
        echo(f"http://{LOOPBACK}:{listening.getsockname()[1]}/record")
        serve(db, listening)


def _listening(port: int | None) -> socket.socket:
    """A socket of this machine alone. Raises UsageError when the port is taken or forbidden."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # the port of a server that ended a moment ago is free
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port or 0))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}",
            "give another --port, or none for one that is free",
        ) from error
    return listening
