"""Whose terms what a run made is under: its models' and its data's, as they were said then.

Reads a run's settings and the sources of its questions; writes nothing. Judges no licence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from localfair.record.made import Run
from localfair.record.store import Store

# a licence that says so of itself: CC BY-NC 4.0, "non-commercial use only", "research purposes only"
NON_COMMERCIAL = re.compile(
    r"(?<![a-z])nc(?![a-z])|\b(?:non|not? for|no)[-\s\u2010-\u2015]*commercial"
    r"|(?:research|academic)\s+(?:use|purposes?)\s+only",
    re.IGNORECASE,
)
# and one that names such use beside the other
BOTH = re.compile(r"commercial\s+(?:and|or|as well as)\s+non[-\s]?commercial", re.IGNORECASE)
# for a task's sources; a generated task has none
SOURCES = "SELECT name, sha256, licence FROM sources WHERE task = ? ORDER BY name, sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """A model of a run: in which role, and what its card said when the run began.

    licence and outputs are 'unverified' where nobody had read them; a script has none. may_train:
    whether others may be trained on its replies, None where nobody read it.
    """

    role: str
    model: str
    licence: str
    outputs: str
    may_train: bool | None

    @property
    def is_non_commercial(self) -> bool:
        """Whether its licence says that it is for no commercial use."""
        return is_non_commercial(self.licence)


@dataclass(frozen=True, slots=True)
class DataTerms:
    """A file that questions of a run came from, and its licence."""

    name: str
    sha256: str
    licence: str

    @property
    def is_non_commercial(self) -> bool:
        """Whether its licence says that it is for no commercial use."""
        return is_non_commercial(self.licence)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The terms that a run's lessons, adapters and exports are under."""

    run: str
    task: str
    models: tuple[ModelTerms, ...]
    data: tuple[DataTerms, ...]

    @property
    def non_commercial(self) -> list[str]:
        """The models and data files that are for no commercial use, and so is what learned from them."""
        names = [terms.model for terms in self.models if terms.is_non_commercial]
        names += [data.name for data in self.data if data.is_non_commercial]
        return list(dict.fromkeys(names))

    @property
    def forbidden(self) -> list[str]:
        """The models that wrote lessons although their terms forbid to train others on replies."""
        teaching = [terms for terms in self.models if terms.role in ("teacher", "mentor")]
        return list(dict.fromkeys(each.model for each in teaching if each.may_train is False))

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data, with what follows from it."""
        marks = {"non_commercial": self.non_commercial, "forbidden": self.forbidden}
        return {**asdict(self), **marks}


def is_non_commercial(licence: str) -> bool:
    """Whether a licence says of itself that it is for no commercial use."""
    return NON_COMMERCIAL.search(BOTH.sub("", licence)) is not None


def ledger(store: Store, run: Run) -> Ledger:
    """The terms of a run. A run that was begun before they were kept has no models in it."""
    recorded: dict[str, Any] = json.loads(run.settings)
    models = terms_of_settings(recorded)
    data = [DataTerms(*row) for row in store.db.execute(SOURCES, [run.task])]
    return Ledger(run.id, run.task, tuple(models), tuple(data))


def terms_of_settings(settings: Mapping[str, Any]) -> list[ModelTerms]:
    """What a run's settings say of its models; nothing where it was begun before that was kept.

    Raises ValueError for what no run writes there.
    """
    models = []
    for terms in settings.get("terms", []):
        model = ModelTerms(**terms)
        texts = (model.role, model.model, model.licence, model.outputs)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("the terms of a model are no texts")
        if model.may_train not in (True, False, None):
            raise ValueError("whether others may be trained is neither said nor open")
        models.append(model)
    return models
