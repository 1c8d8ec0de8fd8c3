"""Everything that a page tells of a run, gathered from the record and the cards of the workspace.

Reads both; writes one file. Of what a run has many of, a sample is taken; counts are of all.
"""

from __future__ import annotations

import json
from pathlib import Path

from localfair.errors import ModelError, UsageError
from localfair.machine.files import whole
from localfair.models.card import UNVERIFIED
from localfair.models.registry import find_card
from localfair.record.exams import exam_scores
from localfair.record.history import losses
from localfair.record.licences import Ledger
from localfair.record.made import Run
from localfair.record.runs import adapters_of, settings_of
from localfair.record.store import Store
from localfair.record.stories import (
    rejected_stories,
    source_files,
    taught_stories,
    usage_of,
)
from localfair.record.summaries import linked_count
from localfair.report.difference import Flip, flips_of, right_at
from localfair.report.findings import find_run, report
from localfair.report.page import Licence, Material, is_page, page
from localfair.report.reviewers import ReviewersReport, reviewers
from localfair.report.settings import settings_of_run
from localfair.report.terms import MAY

TAUGHT = 8  # lessons that are told
REJECTED = 4  # explanations that were rejected
PROMPTS = "prompts."
VERSIONS = "versions."
SEATS = ("student", "teachers", "reviewers", "mentor")  # settings that name models


def write_page(store: Store, run: str | None, workspace: Path, target: Path) -> Path:
    """Write the page of a run to a file; its path.

    Raises UsageError when there is no such run, when the file cannot be written, or holds something
    else than a page of ours; DiskFull. A file that stood there stays whole then.
    """
    if target.is_dir():
        raise UsageError(f"{target} is a folder", "name a file: --html report.html")
    if target.exists() and not _is_page(target):
        raise UsageError(f"{target} is no report of localfair", "name another file with --html")
    text = page(material(store, run, workspace))
    with whole(target, "--html") as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return target


def _is_page(target: Path) -> bool:
    with target.open(errors="replace") as file:
        return is_page(file.read(10_000))


def material(store: Store, run: str | None, workspace: Path) -> Material:
    """What the page of a run tells."""
    told = find_run(store, run)
    settings = settings_of_run(told)
    curves = {adapter: losses(store, adapter) for adapter in adapters_of(store, told.id)}
    findings = report(store, told.id)
    return Material(
        run=told,
        findings=findings,
        flips=_flips(store, told.id),
        taught=taught_stories(store, told.id, TAUGHT),
        rejected=rejected_stories(store, told.id, REJECTED),
        worth=_worth(store, told.id),
        curves=curves,
        usage=usage_of(store, told.id),
        licences=_licences(told, findings.licences, workspace),
        sources=source_files(store, told.task),
        settings=_shown(settings),
        prompts={
            name.removeprefix(PROMPTS): json.loads(text)
            for name, text in settings.items()
            if name.startswith(PROMPTS)
        },
        versions={
            name.removeprefix(VERSIONS): text.strip('"')
            for name, text in settings.items()
            if name.startswith(VERSIONS)
        },
    )


def _shown(settings: dict[str, str]) -> dict[str, str]:
    """The settings without prompts and versions, and of models' paths the last names."""
    shown = {}
    for name, text in settings.items():
        if name.startswith((PROMPTS, VERSIONS)):
            continue
        shown[name] = _names(json.loads(text)) if name in SEATS else text
    return shown


def _names(models: str | list[str] | None) -> str:
    named = [models] if isinstance(models, str) else models or []
    return ", ".join(map(_name, named))


def _name(model: str) -> str:
    """What a model is called: a path says where somebody's home is, and a page is shown to others."""
    return Path(model).name or model


def _flips(store: Store, run: str) -> list[Flip]:
    """The questions that flipped between the first and the last exam on test."""
    exams = exam_scores(store, run).get(run, [])
    if len(exams) < 2:
        return []
    places = ((run, exams[0].position), (run, exams[-1].position))
    return flips_of(store, places, (right_at(store, places[0]), right_at(store, places[1])))


def _worth(store: Store, run: str) -> ReviewersReport | None:
    if not linked_count(store, run, "review"):
        return None
    return reviewers(store, run)


def _licences(run: Run, terms: Ledger, workspace: Path) -> list[Licence]:
    """Every model of a run, each role once, and what its card said when the run began.

    Of a run that was begun before that was kept it is what the cards of the workspace say now.
    """
    licences = []
    for model in terms.models:
        licences.append(
            Licence(
                role=model.role,
                model=model.model,
                licence=model.licence,
                terms=model.outputs,
                may_train=MAY[model.may_train],
            )
        )
    return licences or _licences_now(run, workspace)


def _licences_now(run: Run, workspace: Path) -> list[Licence]:
    settings = settings_of(run)
    seats = [("student", settings.student)]
    seats += [("teacher", name) for name in settings.teachers]
    seats += [("reviewer", name) for name in settings.reviewers]
    if settings.mentor:
        seats.append(("mentor", settings.mentor))
    licences = []
    for role, name in dict.fromkeys(seats):
        licence = terms = UNVERIFIED
        may_train = None
        try:
            card = find_card(name, workspace)
        except (ModelError, OSError):  # a script, or weights that are no longer here
            pass
        else:
            licence, terms, may_train = card.licence, card.output_terms, card.may_train
        licences.append(
            Licence(
                role=role,
                model=_name(name),
                licence=licence,
                terms=terms,
                may_train=MAY[may_train],
            )
        )
    return licences
