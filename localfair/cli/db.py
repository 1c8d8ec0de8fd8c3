"""`localfair db`: where the record is, what is in it, whether it is sound; a copy of it, and
without what nobody needs.
"""

from __future__ import annotations

from pathlib import Path

import click

DB = click.option(
    "--db", "path", type=click.Path(path_type=Path), default=Path("localfair.db"), show_default=True
)
EPILOG = """\b
Examples:
  localfair db tables
  localfair db verify --db mine.db
  localfair db backup mine-2026-05-01.db --db mine.db
  localfair db gc --dry-run"""


@click.group(epilog=EPILOG)
def db() -> None:
    """Look at the record, copy it, and clear it of what no run needs."""


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


@db.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@DB
def backup(target: Path, path: Path) -> None:
    """Copy the database to FILE, which is not there yet; a run may go on meanwhile.

    Adapters are not copied: they lie in the folder beside the database.
    """
    from localfair.record.backup import backup as copy

    made = copy(path, target)
    click.echo(f"{made.path}  sha256:{made.sha256}  {made.bytes} bytes")


@db.command()
@click.option("--dry-run", is_flag=True, help="Say what would be deleted; delete nothing.")
@DB
def gc(dry_run: bool, path: Path) -> None:
    """Delete replies that became no row, and adapters that no run names.

    Runs that are done find all they need afterwards; replies of a run that did not end are kept.
    """
    from localfair.record.gc import collect
    from localfair.record.store import Store

    # Opened for reading first: a database that is not there is refused, never made.
    with Store.open(path) as store:
        if dry_run:
            garbage = collect(store, dry_run=True)
    if not dry_run:
        with Store.open(path, create=True) as store:
            store.end_lost_runs()
            garbage = collect(store, dry_run=False)
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(f"{garbage.generations} generations, {garbage.generation_bytes} bytes: {verb}")
    click.echo(f"{len(garbage.adapters)} adapters, {garbage.adapter_bytes} bytes: {verb}")
    if garbage.waiting:
        click.echo(f"{garbage.waiting} generations wait for a run that did not end", err=True)
