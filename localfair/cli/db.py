"""`localfair db`: where the record is, what is in it, whether it is sound; a copy of it, and
without what nobody needs.
"""

from __future__ import annotations

from pathlib import Path

import click

from localfair.machine.terminal import echo

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
    """Look at the record, copy it, migrate it, and clear it of what no run needs."""


@db.command("path")
@DB
def show_path(path: Path) -> None:
    """Print the absolute path of the database."""
    from localfair.record.store import Store

    with Store.open(path) as store:
        echo(str(store.path.resolve()))


@db.command()
@DB
def tables(path: Path) -> None:
    """Print each table with its number of rows."""
    from localfair.record.store import Store

    with Store.open(path) as store:
        for name, count in store.counts().items():
            echo(f"{count:9}  {name}")


@db.command()
@DB
def verify(path: Path) -> None:
    """Check the file, its schema, every row against its id, its seal and the texts it rests on, every
    link, every adapter.

    Exit 1 when something is wrong.
    """
    from localfair.pipeline.reading import verify_record

    verified = verify_record(path)
    for problem in verified.problems:
        echo(problem)
    for note in verified.notes:
        echo(f"note: {note}", err=True)
    if verified.problems:
        echo(f"{len(verified.problems)} problems", err=True)
        raise SystemExit(1)
    echo("sound", err=True)


@db.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@DB
def backup(target: Path, path: Path) -> None:
    """Copy the database to FILE, which is not there yet; a run may go on meanwhile.

    Adapters are not copied: they lie in the folder beside the database.
    """
    from localfair.record.backup import backup as copy

    made = copy(path, target)
    echo(f"{made.path}  sha256:{made.sha256}  {made.bytes} bytes")


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
    echo(f"{garbage.generations} generations, {garbage.generation_bytes} bytes: {verb}")
    echo(f"{len(garbage.adapters)} adapters, {garbage.adapter_bytes} bytes: {verb}")
    if garbage.waiting:
        echo(f"{garbage.waiting} generations wait for a run that did not end", err=True)


@db.command()
@DB
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
def reread(path: Path, dry_run: bool) -> None:
    """Read again the grades, scores and verdicts that an older version read.

    Nobody is asked. What a row said before stays in the table earlier_readings.
    """
    from localfair.pipeline.reading import reread_record

    for count in reread_record(path, dry_run=dry_run):
        unread = f", {count.unread} have a gold that cannot be read" if count.unread else ""
        changed = "would change" if dry_run else "changed"
        echo(f"{count.name}s: {count.rows} read again, {count.changed} {changed}{unread}")


@db.command()
@DB
def migrate(path: Path) -> None:
    """Bring the record of an older version to this one's, with a copy of it made first."""
    from localfair.record.migrating import migrate_with_backup

    backup = migrate_with_backup(path)
    echo(f"migrated; the record as it was: {backup}" if backup else "up to date", err=True)
