"""A run's licence ledger as it travels with what is exported: in Markdown, and as JSON.

Pure. Names, licences and terms come from cards and files that anybody may have written. Judges no
licence: what others' terms say of further use is repeated, never decided.
"""

from __future__ import annotations

import json

from localfair.export.markdown import code, escaped
from localfair.models.card import UNVERIFIED, Card
from localfair.record.licences import Ledger
from localfair.report.terms import GENERATED, MAY, OLD, marks

FILE = "licences.json"


def section(terms: Ledger) -> list[str]:
    """The models with what they say of training others, the data, and what follows from them."""
    lines = [
        "## Licences",
        "",
        "What the cards of the models and the files of the questions said when the run began. It "
        "goes with this export wherever that is carried.",
        "",
        *[f"**{escaped(mark)}**  " for mark in marks(terms)],
        "",
        *_models(terms),
        "",
        *_data(terms),
        "",
    ]
    return lines


def _models(terms: Ledger) -> list[str]:
    if not terms.models:
        return [f"Models: {OLD}."]
    lines = [
        "| role | model | licence | others may be trained on its replies | terms for outputs |",
        "|---|---|---|---|---|",
    ]
    for model in terms.models:
        names = f"{model.role} | {escaped(model.model)} | {escaped(model.licence)}"
        lines.append(f"| {names} | {MAY[model.may_train]} | {escaped(model.outputs)} |")
    return lines


def _data(terms: Ledger) -> list[str]:
    if not terms.data:
        return [f"Questions of {code(terms.task)}: {GENERATED}."]
    lines = ["| questions from | licence | sha256 |", "|---|---|---|"]
    for data in terms.data:
        lines.append(f"| {escaped(data.name)} | {escaped(data.licence)} | {code(data.sha256)} |")
    return lines


def as_json(terms: Ledger) -> bytes:
    """`licences.json`: the ledger for programs, as `localfair licences --json` prints it."""
    return json.dumps(terms.as_data(), indent=2).encode() + b"\n"


def hub_licence(terms: Ledger, base: Card | None) -> dict[str, str]:
    """The keys by which Hugging Face shows a licence: that of the base's card.

    What is for no commercial use never goes by its base's licence alone.
    """
    if terms.non_commercial:
        return {"license": "other", "license_name": "non-commercial"}
    if base is None or base.licence == UNVERIFIED:
        return {"license": "unknown"}
    return {"license": base.licence.lower()}
