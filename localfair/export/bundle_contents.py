"""What goes into a bundle: models, recipes, data and a copy of the record, each with its licence.

Reads the workspace and the record; writes cards and the record's copy into a folder of its own.
Knows nothing of how a bundle is packed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from localfair.errors import BadDataset, BundleError, UsageError
from localfair.export.bundle_manifest import BundleFile, Kind
from localfair.machine.files import sha256_file
from localfair.machine.terminal import shown_in_line
from localfair.models.card import UNVERIFIED, Card, save_card
from localfair.models.hashing import Hashes, weights_of
from localfair.models.registry import find_card, verified, weights_dir
from localfair.models.safetensors_folder import counted_files
from localfair.models.source import Source
from localfair.recipe.load import find_recipe, load_recipe
from localfair.record.backup import backup
from localfair.tasks import get_task


@dataclass(frozen=True, slots=True)
class Content:
    """A file to pack: where it lies here, and where it shall lie there."""

    path: Path
    target: str
    kind: Kind
    licence: str = ""
    source: str = ""
    revision: str = ""

    def bundled(self, sha256: str | None = None) -> BundleFile:
        """The file as a manifest names it; it is read to its end unless its hash is known.

        Raises BundleError for a name that a bundle cannot hold.
        """
        try:
            return BundleFile(
                path=self.target,
                size=self.path.stat().st_size,
                sha256=sha256 or sha256_file(self.path),
                kind=self.kind,
                licence=self.licence,
                source=self.source,
                revision=self.revision,
            )
        except ValueError as error:
            raise BundleError(
                f"a bundle cannot hold a file called {shown_in_line(self.target)}",
                "give it a plain, shorter name of letters, digits, dots and dashes",
            ) from error


def of_recipe(name: str, workspace: Path) -> Iterator[Content]:
    """A recipe's folder: its steps, its prompts, its README."""
    folder = find_recipe(name, workspace).resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        inside = path.relative_to(folder).as_posix()
        yield Content(path, f"recipes/{folder.name}/{inside}", "recipe")


def models_of(name: str, workspace: Path) -> list[str]:
    """The names of the models that a recipe takes when nobody names others."""
    defaults = load_recipe(name, workspace).defaults
    named = [defaults.student, *defaults.teachers]
    return list(dict.fromkeys(name for name in named if name))


def of_model(
    name: str, workspace: Path, scratch: Path, allow_unverified: bool
) -> Iterator[Content]:
    """A model's weights, every shard of them, and its card; the weights were checked against it.

    Raises BundleError when nobody read its licence, and as `resolve`.
    """
    card = find_card(name, workspace)
    if card.format == "endpoint":
        raise UsageError(
            f"{card.name} is behind a server: its weights are not here",
            "bundle a model whose weights are files",
        )
    must_be_read(f"the model {card.name}", card.licence, allow_unverified)
    model = verified(card, workspace, Hashes(weights_dir(workspace)))
    # there its weights lie where the card's file says, and not at a path of this machine
    card = card.model_copy(update={"path": "", "sha256": model.sha256})
    target = scratch / "models" / f"{card.name}.toml"
    save_card(card, target)
    licence = f"{card.licence} ({card.licence_read_from})" if card.licence_read_from else ""
    yield Content(target, f"models/{card.name}.toml", "card")
    for path, inside in _weights(model.path, card):
        yield Content(
            path,
            f"models/weights/{inside}",
            "weights",
            licence=licence or card.licence,
            source="; ".join(str(source) for source in card.sources),
            revision="; ".join(_revision(source) for source in card.sources),
        )


def _weights(path: Path, card: Card) -> Iterator[tuple[Path, str]]:
    if path.is_dir():
        for file in counted_files(path):
            yield file, f"{card.file}/{file.name}"
        return
    shards = weights_of(path)
    if len(shards) == 1:
        yield path, card.file
        return
    for shard in shards:
        yield shard, shard.name


def _revision(source: Source) -> str:
    return source.version if source.kind == "pypi" else source.revision


def of_data(named: str, allow_unverified: bool) -> Iterator[Content]:
    """The files of a data set, given as TASK=PATH; the task reads them once, to know that it can.

    Raises UsageError for another form, BundleError for a licence that nobody read, BadDataset.
    """
    name, sign, given = named.partition("=")
    if not sign or not given:
        raise UsageError(f"{named!r} is not TASK=PATH", "for instance --data svamp=SVAMP.json")
    path = Path(given).expanduser()
    task = get_task(name)
    if name == "table":
        # its columns are named where it is imported
        licence, source = UNVERIFIED, ""
        _must_be_files(path)
    else:
        licence, source = task.read(path).licence, task.public_source
    must_be_read(f"the data of {name}", licence, allow_unverified)
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file())
    for file in files:
        target = f"data/{name}/{file.name}" if path.is_dir() else f"data/{file.name}"
        yield Content(file, target, "data", licence=licence, source=source)


def _must_be_files(path: Path) -> None:
    """Raises BadDataset unless a path is a file, or a folder that holds one."""
    if path.is_dir():
        if not any(file.is_file() for file in path.iterdir()):
            raise BadDataset(f"{path} holds no file", "name a file, or a folder of files")
        return
    path.stat()
    if not path.is_file():
        raise BadDataset(f"{path}: it is no regular file", "write it to a file first")


def of_record(database: Path, scratch: Path) -> Iterator[Content]:
    """A copy of the record as it is now, and the adapters that lie beside it."""
    scratch.mkdir(parents=True, exist_ok=True)
    copy = backup(database, scratch / database.name)
    yield Content(copy.path, database.name, "record")
    adapters = database.parent / f"{database.stem}-adapters"
    for path in sorted(adapters.rglob("*")):
        if path.is_file() and not path.is_symlink():
            inside = path.relative_to(adapters).as_posix()
            yield Content(path, f"{adapters.name}/{inside}", "adapter")


def must_be_read(what: str, licence: str, allow_unverified: bool) -> None:
    """Raises BundleError when nobody read the licence of what is to be carried elsewhere."""
    if licence == UNVERIFIED and not allow_unverified:
        raise BundleError(
            f"nobody has read the licence of {what}",
            "read it and write it down, or give --allow-unverified",
        )


def once(contents: Iterable[Content]) -> list[Content]:
    """Each target once, in the order of their paths. Raises BundleError for two files of one name."""
    by_target: dict[str, Content] = {}
    for content in contents:
        known = by_target.setdefault(content.target, content)
        if known.path != content.path and sha256_file(known.path) != sha256_file(content.path):
            raise BundleError(
                f"{known.path} and {content.path} would both be {content.target}",
                "rename one of them",
            )
    return [by_target[target] for target in sorted(by_target)]
