"""A training shared by several workers of a Ray cluster: our own loop in each, through Ray Train.

Ray Train starts the workers and tells torch of one another; batches, counts and gradients are shared
by the loop itself, as under torch's own launcher. Reads lessons, and each worker its own copy of the
base; the first worker writes the training's folder, which all workers and this process must see.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localfair.committee.ray_actor import Work, adapter_from, model_here, packed, work_of
from localfair.committee.ray_cluster import RayCluster
from localfair.committee.residents import Training
from localfair.committee.seating import Member, Seating
from localfair.errors import LocalfairError, MissingDependency, TrainingError
from localfair.machine.offline import go_offline
from localfair.machine.workspace import workspace_dir

if TYPE_CHECKING:
    from localfair.training.qlora import StepDone, TrainResult
    from localfair.training.settings import TrainSettings
    from localfair.training.trainer import Example

LOOK_EVERY = 0.5  # seconds between two looks at what the first worker wrote
RAYS = "ray"  # the folder inside the training's where Ray Train keeps its notes
STEPS = "steps.jsonl"  # beside them: a line for each step that is done


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A training as it travels to a worker. `mark` is a file that lies in the folder now."""

    work: Work
    lessons: Sequence[Example]
    settings: TrainSettings
    folder: str
    mark: str
    start: dict[str, bytes]


class RayTrainer:
    """Trains on so many workers of a cluster.

    Raises MissingDependency where Ray is installed without its part for training.
    """

    def __init__(self, cluster: RayCluster, workers: int) -> None:
        try:
            importlib.import_module("ray.train.torch")
        except ImportError as error:
            raise MissingDependency(
                f"--train-workers needs Ray Train: {error}", "pip install 'localfair[ray]'"
            ) from error
        self._cluster = cluster
        self._workers = workers

    def train(
        self, member: Member, training: Training, on_step: Callable[[StepDone], None]
    ) -> TrainResult:
        """Train a member's base as `qlora.train` does.

        Raises what it raises, and TrainingError for a worker that was lost or that does not see the
        training's folder.
        """
        from localfair.training.qlora import train

        notes = training.folder.absolute() / RAYS
        shutil.rmtree(notes, ignore_errors=True)
        notes.mkdir(parents=True)
        share = Share(
            work=work_of(member),
            lessons=training.lessons,
            settings=training.settings,
            folder=str(training.folder.absolute()),
            mark=secrets.token_hex(8),
            start=packed(training.start) if training.start else {},
        )
        (notes / share.mark).touch()
        self._fit(share, notes, on_step)
        shutil.rmtree(notes, ignore_errors=True)
        # the training has ended: what it left is read, nothing is done again
        return train(
            member.folder(),
            training.lessons,
            training.folder,
            training.settings,
            start=training.start,
        )

    def _fit(self, share: Share, notes: Path, on_step: Callable[[StepDone], None]) -> None:
        """Wait for the workers, and tell of each step that is done meanwhile."""
        ended: list[BaseException | None] = []

        def fit() -> None:
            try:
                self._trainer(share, notes).fit()
                ended.append(None)
            except BaseException as error:
                ended.append(error)  # Ray ends its threads by SystemExit

        # in the main thread Ray Train would take Ctrl-C for itself
        thread = threading.Thread(target=fit, daemon=True)
        thread.start()
        told = 0
        while thread.is_alive():
            thread.join(LOOK_EVERY)
            told = _tell(notes / STEPS, told, on_step)
            self._cluster.refuse_gone()
        [error] = ended
        if error is not None:
            raise _refused(error) from error

    def _trainer(self, share: Share, notes: Path) -> Any:
        ray_train = importlib.import_module("ray.train")
        torch_train = importlib.import_module("ray.train.torch")
        logging.getLogger("ray.train").setLevel(logging.CRITICAL)
        has_gpus = any(node.total.gpus for node in self._cluster.nodes())
        return torch_train.TorchTrainer(
            shared,
            train_loop_config={"share": share},
            torch_config=torch_train.TorchConfig(backend="nccl" if has_gpus else "gloo"),
            scaling_config=ray_train.ScalingConfig(num_workers=self._workers, use_gpu=has_gpus),
            run_config=ray_train.RunConfig(name="training", storage_path=str(notes)),
        )


def _tell(path: Path, told: int, on_step: Callable[[StepDone], None]) -> int:
    """Tell of the steps that were written since; how many are told."""
    from localfair.training.qlora import StepDone

    if not path.exists():
        return told
    lines = path.read_text().splitlines(keepends=True)
    for line in lines[told:]:
        if not line.endswith("\n"):
            break  # it is being written
        on_step(StepDone(**json.loads(line)))
        told += 1
    return told


def _refused(error: BaseException) -> LocalfairError:
    """What ended a training, in our words: the first worker's own error where it is ours."""
    failures = getattr(error, "worker_failures", {})
    for _, failure in sorted(failures.items()):
        ours = _ours(failure)
        if ours is not None:
            return ours
    why = " ".join(str(error).split())[-300:] or type(error).__name__
    return TrainingError(
        f"the training on the cluster ended: {why}",
        "run the same command again: it goes on from the last checkpoint",
    )


def _ours(failure: BaseException) -> LocalfairError | None:
    """The LocalfairError that an error is, holds as Ray does, or was raised from."""
    inner: BaseException | None = failure
    while inner is not None and not isinstance(inner, LocalfairError):
        inner = getattr(inner, "_base_exc", None) or getattr(inner, "cause", inner.__cause__)
    return inner


# -- in a worker ----------------------------------------------------------------------------------


def shared(told: dict[str, Any]) -> None:
    """One worker's share of a training. The first of them writes each step down."""
    from localfair.training.qlora import train

    go_offline()
    share: Share = told["share"]
    folder = Path(share.folder)
    notes = folder / RAYS
    if not (notes / share.mark).is_file():
        raise TrainingError(
            f"{os.uname().nodename} does not see {folder}",
            "put the record on a disk that all training nodes share, or train on one node",
        )
    model = model_here(share.work.model)
    base = Seating(workspace_dir(), 0, share.work.options).folder(model)
    start = adapter_from(share.start) if share.start else None

    def write(step: StepDone) -> None:
        if int(os.environ["RANK"]) == 0:
            with (notes / STEPS).open("a") as lines:
                lines.write(json.dumps(asdict(step)) + "\n")

    train(base, share.lessons, folder, share.settings, write, start)
