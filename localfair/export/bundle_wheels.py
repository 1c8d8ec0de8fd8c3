"""The wheels that a machine without a network installs from: localfair's own and those it needs.

Runs pip, which asks the package index. Everything is a wheel but llama-cpp-python, which exists as
source alone: for this platform it is built, for another its source goes along.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag, sys_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from localfair import __version__
from localfair.errors import BundleError, UsageError, nearest
from localfair.export.bundle_contents import Content
from localfair.export.bundle_manifest import MOST_NAME, Manifest
from localfair.machine.terminal import one_line
from localfair.machine.workspace import PACKAGE

SOURCE_ONLY = "llama-cpp-python"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "localfair", "models", "recipes")
NO_SOURCE = ("weights", "__pycache__", "*.gguf", "*.safetensors", "*.db*", "*-adapters")
MANYLINUX = re.compile(r"manylinux_?(?P<version>\d+(?:_\d+)?)_(?P<processor>.+)")
# the names before PEP 600, as versions of glibc
GLIBC = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}


@dataclass(frozen=True, slots=True)
class Wheels:
    """What the wheels are for. extras: of localfair. python: 3.12; platform: as pip calls it."""

    extras: tuple[str, ...]
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    platform: str = ""

    @property
    def is_here(self) -> bool:
        """Whether they are for the Python and the platform that run now."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        return self.python == here and not self.platform


def this_platform() -> str:
    """The platform that runs now, as wheels name it."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def requirements(extras: Sequence[str]) -> list[str]:
    """What localfair needs with these extras. Raises UsageError for one that it has not."""
    known = metadata.metadata("localfair").get_all("Provides-Extra") or []
    for extra in extras:
        if extra not in known:
            raise UsageError(f"localfair has no extra {extra!r}", nearest(extra, known))
    needed = []
    for line in metadata.requires("localfair") or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            requirement.marker = None
            needed.append(str(requirement))
    return sorted(set(needed))


def collect(wheels: Wheels, folder: Path, constraints: Path | None = None) -> list[Content]:
    """Put every wheel into `folder`, from the package index; what was put there.

    Raises BundleError with pip's last words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    needed = requirements(wheels.extras)
    bound = ["-c", str(constraints)] if constraints else []
    _own_wheel(folder)
    if wheels.is_here:
        _pip("wheel", "--wheel-dir", str(folder), *bound, *needed)
    else:
        built = [
            each for each in needed if canonicalize_name(Requirement(each).name) == SOURCE_ONLY
        ]
        others = [each for each in needed if each not in built]
        target = ["--python-version", wheels.python, "--only-binary=:all:"]
        if wheels.platform:
            target += ["--platform", wheels.platform]
        _pip("download", "--dest", str(folder), *target, *bound, *others)
        if built:
            _pip(
                "download", "--dest", str(folder), "--no-deps", "--no-binary=:all:", *bound, *built
            )
    return [
        Content(
            path,
            f"wheels/{short_name(path.name)}",
            "wheel",
            source="the package index that pip asked",
        )
        for path in sorted(folder.iterdir())
    ]


def short_name(name: str) -> str:
    """The name of a wheel, with fewer platforms where it is longer than a bundle's names.

    Of the versions of glibc the lowest is left, which holds for every higher one. pip reads the
    platforms from the name alone (PEP 427).
    """
    if len(name) <= MOST_NAME or not name.endswith(".whl"):
        return name
    front, _, platforms = name.removesuffix(".whl").rpartition("-")
    lowest: dict[str, tuple[tuple[int, ...], str]] = {}
    for platform in platforms.split("."):
        match = MANYLINUX.fullmatch(platform)
        if match is None:
            lowest[platform] = ((), platform)
            continue
        version = match["version"]
        glibc = GLIBC.get(version) or tuple(int(number) for number in version.split("_"))
        known = lowest.get(match["processor"])
        if known is None or glibc < known[0]:
            lowest[match["processor"]] = (glibc, platform)
    return f"{front}-{'.'.join(platform for _, platform in lowest.values())}.whl"


def _own_wheel(folder: Path) -> None:
    """Build localfair's wheel from a copy: setuptools leaves old files of ours in `build` beside its
    source, and would take them into the next wheel.
    """
    checkout = PACKAGE.parent
    if not (checkout / "pyproject.toml").is_file():
        raise BundleError(
            f"the wheel of localfair {__version__} cannot be made: this is no checkout",
            "run it from a checkout, or leave out --wheels and carry the wheel by hand",
        )
    with tempfile.TemporaryDirectory(prefix="localfair-source-") as source:
        for name in SOURCES:
            path = checkout / name
            if path.is_dir():
                shutil.copytree(
                    path, Path(source) / name, ignore=shutil.ignore_patterns(*NO_SOURCE)
                )
            else:
                shutil.copy(path, Path(source) / name)
        _pip("wheel", "--no-deps", "--wheel-dir", str(folder), source)


def _pip(command: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own arguments, and those that packaging parsed
        [sys.executable, "-m", "pip", command, "--disable-pip-version-check", "-q", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no reason"]
        raise BundleError(
            f"pip {command} failed: {one_line(errors[0])}",
            "see which packages exist for that Python and platform, or leave out an extra",
        )


def must_fit(manifest: Manifest) -> None:
    """Raises BundleError when a bundle's wheels are for another Python or platform than this."""
    for file in manifest.files:
        name = file.path.rpartition("/")[2]
        problem = misfit(name) if file.kind == "wheel" else None
        if problem:
            raise BundleError(
                f"{name} {problem}, and this is Python {sys.version_info.major}."
                f"{sys.version_info.minor} on {this_platform()}; nothing was written",
                "unpack with the Python that shall run it, or give --without-wheels",
            )


def misfit(name: str) -> str | None:
    """Why a wheel of this name cannot be installed by the Python that runs now; None when it can.

    A source fits everywhere.
    """
    if name.endswith((".tar.gz", ".zip")):
        try:
            parse_sdist_filename(name)
        except InvalidSdistFilename:
            return "is no package"
        return None
    try:
        _, _, _, tags = parse_wheel_filename(name)
    except (InvalidWheelFilename, InvalidRequirement):
        return "is no wheel"
    if tags.isdisjoint(_tags_here()):
        return f"is for {_shown(tags)}"
    return None


def _tags_here() -> frozenset[Tag]:
    return frozenset(sys_tags())


def _shown(tags: frozenset[Tag]) -> str:
    return ", ".join(sorted(f"{tag.interpreter} on {tag.platform}" for tag in tags)[:2])
