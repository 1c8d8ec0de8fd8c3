"""A committee of one seat asking the stub through the openai_http engine, every reply durable in a record.

Writes a record into a temporary folder. Arguments: base URL, concurrency, calls.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from localfair.committee.ask import Call, Committee
from localfair.committee.seating import Member, Options, Seating
from localfair.models import Card, Model
from localfair.record.nouns import Message, Request, Sampling
from localfair.record.store import Store


def main(base_url: str, concurrency: int, calls: int) -> None:
    card = Card(
        name="stub", family="stub", format="endpoint", url=base_url, served="stub", server="unknown"
    )
    model = Model(
        card=card,
        path=Path(),
        fingerprint="stub",
        chat_template=None,
        chat_template_hash="",
        context=0,
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "record.db", create=True) as store,
    ):
        seating = Seating(Path(folder), 0, Options(batch=concurrency))
        member = seating.placed("teacher", 0, model, "", None)
        committee = Committee(store, [member])
        rows = [row for _, row in committee.ask(_call(member, n) for n in range(calls))]
        committee.close()
        assert len(rows) == calls == store.counts()["generations"], len(rows)


def _call(member: Member, n: int) -> Call:
    message = Message("user", f"How many pens are left of {n} when five are taken away?")
    return Call(
        member, Request(messages=(message,), sampling=Sampling(max_tokens=64), about=f"pens {n}")
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
