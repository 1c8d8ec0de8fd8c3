"""Soft labels asked of a mentor: what is asked, what comes, and who reads lessons.

Loads the mentor's weights as a training does, on whatever machine it runs. Writes nothing; knows
nothing of the record or of stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localfair.committee.seating import Member
from localfair.machine.hardware import usual_precision
from localfair.record.nouns import EngineIdentity, content_id

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from localfair.models.loading import Precision
    from localfair.training.encode import Encoded
    from localfair.training.soft_labels import Soft


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftRequest:
    """A lesson for a mentor to read. For `k`, `vocabulary` and `tau` see `soft_labels.soften`."""

    encoded: Encoded
    k: int
    vocabulary: int
    tau: float
    about: str = "a lesson"

    def id(self, identity: EngineIdentity) -> str:
        """What its answer is known by."""
        return content_id(
            "soft_request",
            fingerprint=identity.fingerprint,
            adapter=identity.adapter,
            tokens=self.encoded.id,
            k=self.k,
            vocabulary=self.vocabulary,
            tau=self.tau,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftReply:
    """A lesson's soft labels."""

    request: SoftRequest
    soft: Soft


class Mentor:
    """A mentor that reads lessons; its weights load at the first."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._model: PreTrainedModel | None = None

    def soften(self, requests: Sequence[SoftRequest]) -> Iterator[SoftReply]:
        """The soft labels of lessons, in their order; `k`, `vocabulary` and `tau` are those of the
        first.
        """
        from localfair.training import soft_labels

        if self._model is None:
            self._model = _loaded(self._member)
        first = requests[0]
        labels = soft_labels.soften(
            self._model,
            [request.encoded for request in requests],
            k=first.k,
            vocabulary=first.vocabulary,
            tau=first.tau,
        )
        for request, soft in zip(requests, labels, strict=True):
            yield SoftReply(request=request, soft=soft)


def _loaded(member: Member) -> PreTrainedModel:
    """The mentor's base with its seat's adapter, ready to be read."""
    from localfair.models.loading import load_causal_lm, with_adapter

    precision = precision_of(member)
    base = load_causal_lm(member.folder(), precision)
    return with_adapter(base, member.adapter, precision).eval()


def precision_of(mentor: Member) -> Precision:
    """The precision of the mentor's base: that of its exams where torch holds it there, else the
    usual one.
    """
    _, _, precision = mentor.identity.engine.partition("/")
    known: dict[str, Precision] = {"bf16": "bf16", "fp32": "fp32", "nf4": "nf4"}
    if mentor.engine.trains and precision in known:
        return known[precision]
    return usual_precision()
