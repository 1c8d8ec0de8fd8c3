"""A committee of one seat asking the stub through the openai_http engine, every reply durable in a record.

Writes a record into a temporary folder. Arguments: base URL, concurrency, calls.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from localfair.committee.ask import Call, Committee
from localfair.committee.seating import Member
from localfair.engines import openai_http
from localfair.record.nouns import Message, Request, Sampling, Seat
from localfair.record.store import Store


def main(base_url: str, concurrency: int, calls: int) -> None:
    card = SimpleNamespace(name="stub", url=base_url, served="stub", server="unknown", identity="")
    model = SimpleNamespace(card=card, fingerprint="stub", chat_template_hash="", context=0)
    engine = openai_http.open(model, batch=concurrency).engine
    seat = Seat(role="teacher", index=0, model=engine.model, fingerprint=engine.fingerprint)
    place = Member(seat, engine, "openai_http", lambda: openai_http.open(model, batch=concurrency))
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "record.db", create=True) as store,
    ):
        committee = Committee(store, [place])
        rows = [row for _, row in committee.ask(_call(place, n) for n in range(calls))]
        committee.close()
        assert len(rows) == calls == store.counts()["generations"], len(rows)


def _call(place: Member, n: int) -> Call:
    message = Message("user", f"How many pens are left of {n} when five are taken away?")
    return Call(
        place, Request(messages=(message,), sampling=Sampling(max_tokens=64), about=f"pens {n}")
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
