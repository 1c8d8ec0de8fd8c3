"""`localfair bundle`: everything that a machine without a network needs, on one disk.

Parses, calls `localfair.export.bundle`, prints. Knows nothing of how any of it is done.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.machine.terminal import echo

if TYPE_CHECKING:
    from localfair.export.bundle_contents import Content
    from localfair.export.bundle_manifest import Manifest
    from localfair.export.bundle_wheels import Wheels

FILES = click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
ID = click.option("--id", "expected", help="The id that the bundle must have, as `create` said.")
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


class Size(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has no argument here
    """Bytes, as 700M or 4G. 4G is one byte less: a FAT32 holds no more in a file."""

    name = "SIZE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d{1,12})([KMG]?)B?", value.upper())
        if match is None:
            self.fail(f"{value!r} is not a size such as 700M or 4G.", param, ctx)
        size = int(match[1]) * UNITS[match[2]]
        return min(size, 2**32 - 1) if size == 2**32 else size


@click.group(
    epilog="\b\nExamples:\n  localfair bundle create lab.tar.gz --recipe quickstart --wheels train\n"
    "  localfair bundle verify lab.tar.gz\n  localfair bundle unpack lab.tar.gz --to lab"
)
def bundle() -> None:
    """Carry models, data, recipes, wheels and the record to a machine without a network."""


@bundle.command()
@click.argument("out", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--recipe", "recipes", multiple=True, help="A recipe, and the models that it takes.")
@click.option("--model", "models", multiple=True, help="A model: its weights and its card.")
@click.option("--data", multiple=True, metavar="TASK=PATH", help="The files of a data set.")
@click.option("--db", type=click.Path(path_type=Path), help="A record: a copy as it is now.")
@click.option(
    "--wheels",
    metavar="EXTRAS",
    help="Wheels of localfair with these extras: train,llama, or none.",
)
@click.option("--python", help="The Python of the wheels, such as 3.12; this one when left out.")
@click.option("--platform", default="", help="Their platform, such as manylinux_2_28_x86_64.")
@click.option("--volume", type=Size(), help="Several files of at most that size: 4G, 700M.")
@click.option("--allow-unverified", is_flag=True, help="Also what has a licence that nobody read.")
def create(
    out: Path,
    recipes: tuple[str, ...],
    models: tuple[str, ...],
    data: tuple[str, ...],
    db: Path | None,
    **options: object,
) -> None:
    """Write a bundle to FILE, NAME.tar.gz. Only --wheels asks the network."""
    from localfair.export import bundle as bundles
    from localfair.export import bundle_contents as contents

    allow = bool(options["allow_unverified"])
    wheels = _wheels(options)
    with tempfile.TemporaryDirectory(prefix="localfair-bundle-") as scratch_name:
        scratch = Path(scratch_name)
        packed = _packed(recipes, models, scratch, allow)
        for named in data:
            packed += contents.of_data(named, allow)
        if db is not None:
            packed += contents.of_record(db, scratch / "record")
        made_for = ("", "")
        if wheels is not None:
            from localfair.export import bundle_wheels

            packed += bundle_wheels.collect(wheels, scratch / "wheels")
            made_for = (wheels.python, wheels.platform or bundle_wheels.this_platform())
        volume = options["volume"]
        assert volume is None or isinstance(volume, int)
        created = bundles.create(out, contents.once(packed), volume=volume, made_for=made_for)
    for path in created.volumes:
        echo(str(path))
    _say_what_it_is(created.manifest)


def _packed(
    recipes: tuple[str, ...], models: tuple[str, ...], scratch: Path, allow: bool
) -> list[Content]:
    from localfair.export.bundle_contents import models_of, of_model, of_recipe
    from localfair.machine.workspace import workspace_dir

    workspace = workspace_dir()
    packed: list[Content] = []
    names = list(models)
    for recipe in recipes:
        packed += of_recipe(recipe, workspace)
        names += models_of(recipe, workspace)
    for name in dict.fromkeys(names):
        packed += of_model(name, workspace, scratch, allow)
    return packed


def _wheels(options: dict[str, object]) -> Wheels | None:
    from localfair.errors import UsageError

    extras = options["wheels"]
    if extras is None:
        if options["python"] or options["platform"]:
            raise UsageError("--python and --platform are of --wheels", "give --wheels as well")
        return None
    from localfair.export.bundle_wheels import Wheels

    python = options["python"]
    if python is not None and not re.fullmatch(r"3\.\d{1,2}", str(python)):
        raise UsageError(f"{python!r} is not a Python such as 3.12", "give 3.11 or higher")
    names = tuple(name for name in re.split(r"[,\s]+", str(extras)) if name not in ("", "none"))
    platform = str(options["platform"])
    return Wheels(names, str(python), platform) if python else Wheels(names, platform=platform)


@bundle.command()
@FILES
@ID
def verify(files: tuple[Path, ...], expected: str | None) -> None:
    """Read a bundle to its end and compare every byte with what it says; nothing is unpacked."""
    from localfair.export.bundle import verify as verify_bundle

    manifest = verify_bundle(files, expected)
    for file in manifest.files:
        licence = f"  {file.licence}" if file.licence else ""
        echo(f"{file.size:>14,}  {file.path}{licence}")
    _say_what_it_is(manifest)


@bundle.command()
@FILES
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder; made if missing.",
)
@ID
@click.option("--without-wheels", is_flag=True, help="Leave the wheels out.")
def unpack(
    files: tuple[Path, ...], folder: Path, expected: str | None, without_wheels: bool
) -> None:
    """Verify a bundle, then put its files into a folder. Interrupted, the same command goes on."""
    from localfair.export.bundle import unpack as unpack_bundle
    from localfair.export.bundle_wheels import must_fit

    unpacked = unpack_bundle(
        files,
        folder,
        expected=expected,
        wanted=lambda file: not (without_wheels and file.kind == "wheel"),
        check=None if without_wheels else must_fit,
    )
    echo(f"{unpacked.written} files written, {unpacked.present} stood there already")
    _say_what_is_next(unpacked.manifest, folder, without_wheels)


def _say_what_it_is(manifest: Manifest) -> None:
    volumes = "" if manifest.volumes == 1 else f", {manifest.volumes} volumes"
    echo(f"{len(manifest.files)} files, {manifest.size:,} bytes{volumes}")
    if manifest.python:
        echo(f"wheels for Python {manifest.python} on {manifest.platform}")
    sources = [file.path for file in manifest.files if _is_source(file.path)]
    for path in sources:
        echo(f"{path} is source: a compiler is needed there")
    echo(f"id {manifest.id}")


def _is_source(path: str) -> bool:
    return path.startswith("wheels/") and path.endswith(".tar.gz")


def _say_what_is_next(manifest: Manifest, folder: Path, without_wheels: bool) -> None:
    kinds = {file.kind for file in manifest.files}
    recipes = sorted({file.path.split("/")[1] for file in manifest.files if file.kind == "recipe"})
    if "wheel" in kinds and not without_wheels:
        wheels = folder / "wheels"
        echo(f"next: pip install --no-index --find-links {wheels} 'localfair[EXTRAS]'", err=True)
    if recipes:
        echo(f"then: cd {folder} && localfair run {recipes[0]}", err=True)
