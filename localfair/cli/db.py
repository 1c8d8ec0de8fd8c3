"""`localfair db`: where the record is, what is in it, whether it is sound."""

from __future__ import annotations

from pathlib import Path

import click

DB = click.option(
    "--db", "path", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)


@click.group(epilog="\b\nExamples:\n  localfair db tables\n  localfair db verify --db mine.db")
def db() -> None:
    """Look at the record; nothing here changes it."""


@db.command("path")
@DB
def show_path(path: Path) -> None:
    """Print the absolute path of the database."""
    from localfair.record.store import Store

    with Store.open(path) as store:
        click.echo(str(store.path.resolve()))


@db.command()
@DB
def tables(path: Path) -> None:
    """Print each table with its number of rows."""
    from localfair.record.store import Store

    with Store.open(path) as store:
        for name, count in store.counts().items():
            click.echo(f"{count:9}  {name}")


@db.command()
@DB
def verify(path: Path) -> None:
    """Check the file, every id against its content, every link, every adapter.

    Exit 1 when something is wrong.
    """
    from localfair.record.store import Store
    from localfair.record.verify import verify as check

    with Store.open(path) as store:
        problems = check(store)
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo(f"{len(problems)} problems", err=True)
        raise SystemExit(1)
    click.echo("sound", err=True)
