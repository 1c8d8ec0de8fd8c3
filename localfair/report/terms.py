"""A run's licence ledger in words: as lines of text, and what follows from it.

Pure. The words are those of `localfair licences`, of reports and of what is exported. Judges no
licence.
"""

from __future__ import annotations

from localfair.record.licences import Ledger

MAY = {True: "yes", False: "NO", None: "nobody read it"}
OLD = "the run was begun before its models' terms were kept"
GENERATED = "generated, no file and no licence"


def lines(terms: Ledger) -> list[str]:
    """Each model and each data file with its terms, and last what follows from them."""
    shown = []
    if not terms.models:
        shown.append(f"models: {OLD}")
    for model in terms.models:
        shown.append(f"{model.role:9} {model.model}: {model.licence}")
        may = MAY[model.may_train]
        shown.append(f"{'':9} others may be trained on its replies: {may} ({model.outputs})")
    if not terms.data:
        shown.append(f"data: {GENERATED}")
    for data in terms.data:
        shown.append(f"data      {data.name}: {data.licence}")
    return shown + marks(terms)


def short_lines(terms: Ledger) -> list[str]:
    """A line for each model and each data file, without a licence's own words on replies."""
    shown = []
    for model in terms.models:
        may = MAY[model.may_train]
        shown.append(f"{model.role:9} {model.model}: {model.licence}; may train others: {may}")
    for data in terms.data:
        shown.append(f"data      {data.name}: {data.licence}")
    return shown


def marks(terms: Ledger) -> list[str]:
    """What follows for whatever was made in the run; nothing where no terms say so."""
    shown = []
    if terms.non_commercial:
        names = ", ".join(terms.non_commercial)
        shown.append(f"for no commercial use: {names}, and what learned from it")
    if terms.forbidden:
        shown.append(f"lessons although it is forbidden: by {', '.join(terms.forbidden)}")
    return shown
