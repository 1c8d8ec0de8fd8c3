"""Runs on a disk that is full after some bytes, and goes on when there is room.

`unshare -rm python -m tests.reliability.full_disk FOLDER LEDGER`, because it mounts: a disk of memory
for each size. Prints a line for each disk, and exits with 1 when a promise was broken.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.reliability.inspection import inspected
from tests.reliability.ledger import Ledger
from tests.reliability.process import Ended, ended, warm_up
from tests.reliability.scene import Scene

SIZES = (40, 260, 700, 1500, 2500, 16000)  # KiB: from the first migration to a whole run
ROOM = "size=64m"


def main(folder: Path, ledger: Ledger) -> int:
    """Try every size; 1 when one of them broke something, or none of them was too small."""
    warm_up()
    full = 0
    broken = 0
    for size in SIZES:
        scene = Scene(engine="scripted", at_once=4, folder=folder / f"{size}k")
        mount = folder / str(size)
        mount.mkdir()
        _mount(f"size={size}k", mount)
        scene.prepare()
        scene.db.symlink_to(mount / "record.db")
        end, problems = _filled(scene, ledger, mount)
        full += end.code == 1
        broken += bool(problems)
        print(f"{size} KiB: exit {end.code}; {'; '.join(problems) or 'as promised'}")
    return 0 if full and not broken else 1


def _filled(scene: Scene, ledger: Ledger, mount: Path) -> tuple[Ended, list[str]]:
    """How the run ended on the small disk, and what was wrong then or with more room."""
    first = ended(scene, scene.command(), ledger)
    problems = []
    if first.code not in (0, 1) or "Traceback" in first.err:
        problems.append(first.err)
    if first.code == 1 and "error: no space left on the disk" not in first.err:
        problems.append(first.err)
    _mount(f"remount,{ROOM}", mount)
    before = inspected(scene)
    problems += before.problems
    mark = ledger.mark()
    second = ended(scene, scene.command(), ledger)
    after = inspected(scene)
    problems += after.problems
    if second.code != 0:
        problems.append(f"with room: exit {second.code}: {second.err}")
    if before.committed - after.committed:
        problems.append("committed answers are gone")
    if before.committed.intersection(ledger.since(mark).asked):
        problems.append("committed answers were asked again")
    return first, problems


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "disk", str(folder)], check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Ledger(Path(sys.argv[2]))))
