"""A bundle carries files whole, and what is not byte for byte a bundle is refused before anything
is written.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localfair.errors import BundleError, LocalfairError, UsageError
from localfair.export.bundle import SMALLEST_VOLUME, create, unpack, verify
from localfair.export.bundle_contents import Content
from localfair.export.bundle_manifest import BundleFile, Manifest, cut
from localfair.export.bundle_tar import END, HEAD, Written, header, manifest_of

FILES = {
    "models/weights/tiny.gguf": b"GGUF" + bytes(range(256)) * 40,
    "recipes/mine/recipe.toml": b"name = 'mine'\n",
    "recipes/mine/prompts/empty.md": b"",
    "data/mine.csv": b"question,answer\n1,1\n",
}


def contents(folder: Path, files: dict[str, bytes] = FILES) -> list[Content]:
    packed = []
    for target in sorted(files):
        path = folder / "here" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[target])
        packed.append(Content(path, target, "data", licence="mit"))
    return packed


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    create(tmp_path / "lab.tar.gz", contents(tmp_path))
    return tmp_path / "lab.tar.gz"


def files_of(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def refused(bundle: Path, folder: Path) -> str:
    """The line with which a bundle is refused, by reading and by unpacking; nothing is written."""
    with pytest.raises(BundleError) as read:
        verify([bundle])
    with pytest.raises(BundleError):
        unpack([bundle], folder)
    assert not folder.exists()
    assert "\n" not in read.value.message
    return read.value.message


def test_what_goes_in_comes_out(bundle: Path, tmp_path: Path) -> None:
    unpacked = unpack([bundle], tmp_path / "there")
    assert files_of(tmp_path / "there") == FILES
    assert (unpacked.written, unpacked.present) == (4, 0)


def test_unpacked_twice_it_changes_nothing(bundle: Path, tmp_path: Path) -> None:
    unpack([bundle], tmp_path / "there")
    times = [path.stat().st_mtime_ns for path in (tmp_path / "there").rglob("*")]
    again = unpack([bundle], tmp_path / "there")
    assert (again.written, again.present) == (0, 4)
    assert [path.stat().st_mtime_ns for path in (tmp_path / "there").rglob("*")] == times


def test_an_interrupted_unpacking_goes_on(bundle: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    unpack([bundle], there)
    weights = there / "models/weights/tiny.gguf"
    # as a process that was killed leaves it: one file missing, and half of it under another name
    weights.rename(weights.with_name(".tiny.gguf.unpacking"))
    os.truncate(weights.with_name(".tiny.gguf.unpacking"), 100)
    unpacked = unpack([bundle], there)
    assert (unpacked.written, unpacked.present) == (1, 3)
    assert files_of(there) == FILES


def test_the_same_files_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    create(tmp_path / "again.tar.gz", contents(tmp_path / "elsewhere"))
    assert (tmp_path / "again.tar.gz").read_bytes() == bundle.read_bytes()


def test_any_tar_reads_a_bundle(bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        names = tar.getnames()
        weights = tar.extractfile("models/weights/tiny.gguf")
        assert weights is not None
        assert weights.read() == FILES["models/weights/tiny.gguf"]
    assert names == ["bundle.json", *sorted(FILES)]


def test_a_manifest_says_size_hash_licence_and_source(bundle: Path) -> None:
    manifest = manifest_of(bundle)
    (data, *_) = manifest.files
    assert (data.path, data.size, data.licence) == ("data/mine.csv", 20, "mit")
    assert manifest.id.startswith("b2:")


def test_the_id_that_was_told_must_be_the_bundles(bundle: Path) -> None:
    assert verify([bundle], manifest_of(bundle).id)
    with pytest.raises(BundleError, match="not b2:other"):
        verify([bundle], "b2:other")


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_flipped_byte_is_refused_or_changes_no_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Deflate can say some things in two ways, and leaves the last bits of its last byte unused."""
    folder = tmp_path_factory.mktemp("flipped")
    bundle = folder / "lab.tar.gz"
    create(bundle, contents(folder))
    raw = bytearray(bundle.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    bundle.write_bytes(bytes(raw))
    try:
        verify([bundle])
    except BundleError:
        refused(bundle, folder / "there")
    else:
        unpack([bundle], folder / "there")
        assert files_of(folder / "there") == FILES


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_truncated_bundle_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("short")
    bundle = folder / "lab.tar.gz"
    create(bundle, contents(folder))
    raw = bundle.read_bytes()
    bundle.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    refused(bundle, folder / "there")


@pytest.mark.parametrize("tail", [b"\0", b"x" * 1000, None], ids=["a byte", "text", "itself"])
def test_what_follows_a_bundle_is_refused(bundle: Path, tmp_path: Path, tail: bytes | None) -> None:
    raw = bundle.read_bytes()
    bundle.write_bytes(raw + (raw if tail is None else tail))
    refused(bundle, tmp_path / "there")


# -- what others wrote ----------------------------------------------------------------------------


def gzipped(tar: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(tar) + deflate.flush()
    return HEAD + body + struct.pack("<II", zlib.crc32(tar), len(tar) & 0xFFFFFFFF)


def forged(path: Path, manifest: bytes, members: bytes) -> Path:
    """A bundle with any manifest and any members after it."""
    head = header("bundle.json", len(manifest)) + manifest + bytes(-len(manifest) % 512)
    path.write_bytes(gzipped(head + members + END))
    return path


def member(path: str, data: bytes, **changes: object) -> bytes:
    info = tarfile.TarInfo(path)
    info.size = len(data)
    info.mode = 0o644
    for key, value in changes.items():
        setattr(info, key, value)
    plain = len(info.name) < 100 and info.size < 1 << 33
    head = info.tobuf(tarfile.USTAR_FORMAT if plain else tarfile.GNU_FORMAT)
    return head + data + bytes(-len(data) % 512)


def honest(bundle: Path) -> tuple[bytes, bytes]:
    """The manifest of a bundle, and its members as they stand in it."""
    manifest = manifest_of(bundle)
    members = b"".join(member(file.path, FILES[file.path]) for file in manifest.files)
    return manifest.encoded(), members


def test_what_is_forged_without_a_lie_is_taken(bundle: Path, tmp_path: Path) -> None:
    manifest, members = honest(bundle)
    forged(bundle, manifest, members)
    unpack([bundle], tmp_path / "there")
    assert files_of(tmp_path / "there") == FILES


@pytest.mark.parametrize(
    "changes",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0},
        {"type": tarfile.LNKTYPE, "linkname": "../up", "size": 0},
        {"type": tarfile.CHRTYPE, "size": 0},
        {"type": tarfile.FIFOTYPE, "size": 0},
        {"type": tarfile.DIRTYPE, "size": 0},
        {"name": "../up.csv"},
        {"name": "/etc/cron.d/up"},
        {"name": "n" * 5000},
        {"mode": 0o4777},
        {"uid": 1},
        {"size": 10 << 30},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_member_that_is_not_as_localfair_writes_it_is_refused(
    bundle: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    manifest, members = honest(bundle)
    first = member("data/mine.csv", FILES["data/mine.csv"])
    assert members.startswith(first)
    data = b"" if changes.get("size") == 0 else FILES["data/mine.csv"]
    forged(bundle, manifest, member("data/mine.csv", data, **changes) + members[len(first) :])
    refused(bundle, tmp_path / "there")


def test_members_in_another_order_twice_or_besides_are_refused(
    bundle: Path, tmp_path: Path
) -> None:
    manifest, members = honest(bundle)
    first = member("data/mine.csv", FILES["data/mine.csv"])
    rest = members[len(first) :]
    for others in (rest + first, first + first + rest, members + member("data/x", b""), rest):
        forged(bundle, manifest, others)
        refused(bundle, tmp_path / "there")


def test_sparse_and_long_headers_are_refused(bundle: Path, tmp_path: Path) -> None:
    manifest, members = honest(bundle)
    info = tarfile.TarInfo("data/mine.csv")
    info.size = 20
    info.pax_headers = {"GNU.sparse.realsize": str(10 << 30), "GNU.sparse.size": str(10 << 30)}
    pax = info.tobuf(tarfile.PAX_FORMAT) + FILES["data/mine.csv"] + bytes(492)
    forged(bundle, manifest, pax + members)
    refused(bundle, tmp_path / "there")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"data/mine.csv"', b'"../../mine.csv"'),
        (b'"data/mine.csv"', b'"/data/mine.csv"'),
        (b'"data/mine.csv"', b'"data/.ssh/key"'),
        (b'"data/mine.csv"', b'"data\\\\mine.csv"'),
        (b'"data/mine.csv"', b'"data/-rf"'),
        (b'"data/mine.csv"', b'"C:/mine.csv"'),
        (b'"data/mine.csv"', b'"mine.csv"'),
        (b'"data/mine.csv"', b'"bin/mine.csv"'),
        (b'"data/mine.csv"', b'"data/' + b"x" * 500 + b'"'),
        (b'"data/mine.csv"', b'"models/weights/tiny.gguf"'),
        (b'"data/mine.csv"', b'"models/weights/TINY.gguf"'),
        (b'"size":20', b'"size":21'),
        (b'"size":20', b'"size":-1'),
        (b'"size":20', b'"size":2e1'),
        (b'"size":20', b'"size":1099511627776000'),
        (b'"volumes":1', b'"volumes":2'),
        (b'"volume":1,"volumes"', b'"volume":2,"volumes"'),
        (b'"format":1', b'"format":2'),
        (b'"licence":"mit"', b'"licence":"\\u001b[2J"'),
        (b'"made_with"', b'"made_by"'),
        (b'{"files"', b'{ "files"'),
        (b"{", b"[" * 100_000),
    ],
)
def test_a_manifest_that_lies_is_refused(
    bundle: Path, tmp_path: Path, old: bytes, new: bytes
) -> None:
    manifest, members = honest(bundle)
    assert old in manifest
    forged(bundle, manifest.replace(old, new, 1), members)
    message = refused(bundle, tmp_path / "there")
    assert message.isprintable()
    assert len(message) < 300


def test_a_manifest_that_never_ends_is_refused_at_its_head(bundle: Path, tmp_path: Path) -> None:
    head = header("bundle.json", 1 << 32)
    bundle.write_bytes(gzipped(head + bytes(1 << 20)))
    assert "manifest" in refused(bundle, tmp_path / "there")


def test_a_zip_bomb_of_a_manifest_is_never_held(bundle: Path, tmp_path: Path) -> None:
    spaces = b"{" + b" " * ((1 << 24) - 2) + b"}"
    forged(bundle, spaces, b"")
    assert bundle.stat().st_size < 100_000
    refused(bundle, tmp_path / "there")


@pytest.mark.parametrize("raw", [b"", b"PK\3\4", HEAD, b"\x1f\x8b", os.urandom(2000)], ids=range(5))
def test_what_is_no_bundle_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "no.tar.gz").write_bytes(raw)
    refused(tmp_path / "no.tar.gz", tmp_path / "there")


# -- where it goes --------------------------------------------------------------------------------


def test_what_stands_in_the_way_is_kept_and_nothing_is_written(
    bundle: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    (there / "data").mkdir(parents=True)
    (there / "data/mine.csv").write_text("my own")
    with pytest.raises(BundleError, match=r"another file at .*mine.csv"):
        unpack([bundle], there)
    assert files_of(there) == {"data/mine.csv": b"my own"}


def test_a_link_is_not_written_through(bundle: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    there.mkdir()
    (there / "data").symlink_to(elsewhere)
    with pytest.raises(BundleError, match="a link"):
        unpack([bundle], there)
    assert not list(elsewhere.iterdir())


def test_a_file_where_a_folder_must_be_is_said(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/data").write_text("")
    with pytest.raises(BundleError, match="a file at"):
        unpack([bundle], tmp_path / "there")


def test_what_does_not_fit_is_refused_before_anything_is_written(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = os.statvfs(tmp_path)
    small = type("Usage", (), {"free": 100, "total": usage.f_blocks, "used": 0})
    monkeypatch.setattr("shutil.disk_usage", lambda _: small)
    with pytest.raises(BundleError, match="do not fit"):
        unpack([bundle], tmp_path / "there")
    with pytest.raises(BundleError, match="do not fit"):
        create(tmp_path / "other.tar.gz", contents(tmp_path))
    assert not (tmp_path / "there").exists()


def test_nothing_is_replaced_by_a_bundle(bundle: Path, tmp_path: Path) -> None:
    before = bundle.read_bytes()
    with pytest.raises(UsageError, match="already"):
        create(bundle, contents(tmp_path))
    assert bundle.read_bytes() == before


@pytest.mark.parametrize("content", [b"GGUF", b"", b"GGUG" + bytes(20_000)])
def test_a_file_that_changes_while_it_is_packed_makes_no_bundle(
    tmp_path: Path, content: bytes
) -> None:
    packed = contents(tmp_path)

    class Late(Content):
        """The file as it is when it is hashed; then somebody writes to it."""

        def bundled(self, sha256: str | None = None) -> BundleFile:
            file = Content.bundled(self)
            self.path.write_bytes(content)
            return file

    changed = packed[1]
    packed[1] = Late(changed.path, changed.target, changed.kind)
    with pytest.raises(BundleError, match="was changed meanwhile"):
        create(tmp_path / "late.tar.gz", packed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


def test_a_disk_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"mem cannot be read: Input/output error"):
        verify([Path("/proc/self/mem")])


def test_a_name_that_other_systems_do_not_take_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("x")
    for target in ("data/né.csv", "data/a:b", "data/" + "n" * 200):
        with pytest.raises(BundleError, match="cannot hold"):
            create(tmp_path / "lab.tar.gz", [Content(path, target, "data")])


# -- volumes --------------------------------------------------------------------------------------


@pytest.fixture
def volumes(tmp_path: Path) -> list[Path]:
    big = {"data/big.bin": os.urandom(SMALLEST_VOLUME + 5000), **FILES}
    made = create(tmp_path / "lab.tar.gz", contents(tmp_path, big), volume=SMALLEST_VOLUME)
    return list(made.volumes)


def test_volumes_are_no_larger_than_asked_and_come_together_again(
    volumes: list[Path], tmp_path: Path
) -> None:
    assert len(volumes) == 2
    assert max(path.stat().st_size for path in volumes) <= SMALLEST_VOLUME
    unpack([volumes[1], volumes[0]], tmp_path / "there")
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")


def test_one_volume_stands_for_those_beside_it(volumes: list[Path], tmp_path: Path) -> None:
    assert verify([volumes[1]]).volumes == 2


def test_a_missing_volume_is_named(volumes: list[Path], tmp_path: Path) -> None:
    elsewhere = tmp_path / "second.tar.gz"
    volumes[1].rename(elsewhere)
    with pytest.raises(BundleError, match="volume 1 of 2 is missing"):
        verify([elsewhere])
    with pytest.raises(BundleError, match="volume 2 of 2 is missing"):
        verify([volumes[0]])


def test_a_volume_of_another_bundle_or_given_twice_is_refused(
    volumes: list[Path], bundle_of_others: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="of another bundle"):
        verify([volumes[0], bundle_of_others])
    with pytest.raises(BundleError, match="once more"):
        verify([volumes[0], volumes[0]])


@pytest.fixture
def bundle_of_others(tmp_path: Path) -> Path:
    create(tmp_path / "others.tar.gz", contents(tmp_path / "others"))
    return tmp_path / "others.tar.gz"


def test_too_small_a_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="16 MB"):
        create(tmp_path / "lab.tar.gz", contents(tmp_path), volume=1000)


def test_parts_are_cut_where_a_volume_ends() -> None:
    file = BundleFile(path="data/x", size=3 << 20, sha256="0" * 64, kind="data")
    parts = cut([file], (1 << 20) + 512)
    assert [(part.member, part.size, part.volume) for part in parts] == [
        ("data/x.part001", 1 << 20, 1),
        ("data/x.part002", 1 << 20, 2),
        ("data/x.part003", 1 << 20, 3),
    ]
    Manifest(made_with="0", volumes=3, volume=2, files=(file,), parts=tuple(parts))


def test_a_stream_is_what_gzip_reads() -> None:
    out = io.BytesIO()
    volume = Written(out)
    volume.write(b"abc" * 1000)
    volume.end()
    assert zlib.decompress(out.getvalue(), 31) == b"abc" * 1000 + END


def test_every_refusal_is_an_error_of_ours() -> None:
    assert issubclass(BundleError, LocalfairError)
    assert BundleError.exit_code == 2
