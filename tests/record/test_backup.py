"""A copy of the record: whole, private, and never over something else."""

import hashlib
import stat

import pytest

from localfair.errors import NoDatabase, StoreError
from localfair.record.backup import backup
from localfair.record.store import Store
from localfair.record.verify import verify


def test_a_backup_beside_a_writer_holds_what_was_committed(store, tmp_path):
    store.ensure("secrets", [{"name": "later", "value": b"1"}])
    made = backup(store.path, tmp_path / "copy.db")
    data = made.path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == made.sha256
    assert (len(data), stat.S_IMODE(made.path.stat().st_mode)) == (made.bytes, 0o600)
    with Store.open(made.path) as copy:
        assert verify(copy) == []
        assert copy.counts() == store.counts()
        assert copy.fence_key() == store.fence_key()


@pytest.mark.parametrize("taken", ["file", "folder", "link"])
def test_a_backup_takes_nobodys_place(store, tmp_path, taken):
    target = tmp_path / "taken"
    if taken == "file":
        target.write_text("keep")
    elif taken == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="something at"):
        backup(store.path, target)
    assert not (tmp_path / "nowhere").exists()
    if taken == "file":
        assert target.read_text() == "keep"


def test_a_backup_needs_a_record_and_a_folder(store, tmp_path):
    with pytest.raises(NoDatabase):
        backup(tmp_path / "none.db", tmp_path / "copy.db")
    with pytest.raises(StoreError, match="does not exist"):
        backup(store.path, tmp_path / "none" / "copy.db")
    assert not (tmp_path / "none").exists()
