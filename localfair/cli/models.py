"""`localfair models`: list, add, check, fetch, requantise, fit.

Parses, calls `localfair.models`, prints. Knows nothing of how any of it is done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localfair.cli import completion
from localfair.cli.numbers import COUNT, RANK, TOKENS
from localfair.machine.terminal import echo, echo_json

if TYPE_CHECKING:
    from localfair.models import Card, Model
    from localfair.models.fit import Fit

MIB = 2**20
GIB = 2**30


@click.group(
    epilog="\b\nExamples:\n  localfair models list\n  localfair models add ~/weights/tiny.gguf"
)
def models() -> None:
    """Model cards and their weights; only `fetch` touches the network."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def list_models(as_json: bool) -> None:
    """Show every card: licence and its terms for outputs, size, and whether the weights are
    here.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.models.listing import listing, table

    listed = listing(workspace_dir())
    if as_json:
        echo_json([dataclasses.asdict(model) for model in listed], indent=2)
    else:
        echo(*table(listed).split("\n"))


@models.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--endpoint",
    metavar="URL",
    help="A server that is running, instead of FILE: llama-server, Ollama, ...",
)
@click.option("--served", metavar="NAME", help="What that server calls the model.")
@click.option(
    "--name", default="", help="The card's name; otherwise the known card's, or the file's."
)
@click.option("--force", is_flag=True, help="Replace another card of that name.")
def add(
    file: Path | None, endpoint: str | None, served: str | None, name: str, force: bool
) -> None:
    """Write a card for weights, or for a model behind a server.

    The weights are a GGUF file or a safetensors folder; the card says what their metadata says.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.models.adding import add as add_weights
    from localfair.models.adding import add_endpoint
    from localfair.models.registry import all_cards

    if file is not None and not (endpoint or served):
        cards = all_cards(workspace_dir())
        card = add_weights(file, workspace_dir(), name=name, force=force)
        echo(f"{card.name}: licence {card.licence}, sha256 {card.sha256}")
        if card.name in cards and not name:
            echo(f"known weights: the card {card.name} describes them")
        else:
            _name_others_of_the_same(card, cards.values())
        _name_what_is_left(file)
    elif endpoint and served and file is None:
        card = add_endpoint(endpoint, served, workspace_dir(), name=name, force=force)
        identity = card.identity or "it says nothing of its weights"
        echo(f"{card.name}: {card.server} at {card.url}, {identity} (cannot be verified)")
    else:
        raise click.UsageError("give FILE, or --endpoint URL with --served NAME")


@models.command()
@click.argument("name", shell_complete=completion.models)
def check(name: str) -> None:
    """Hash the weights again and compare with the card."""
    from localfair.machine.workspace import workspace_dir
    from localfair.models.registry import check as check_weights

    model = check_weights(name, workspace_dir())
    _print_verified(model)
    if model.has_weights:
        _name_what_is_left(model.path)


@models.command()
@click.argument("name", shell_complete=completion.models)
def fetch(name: str) -> None:
    """Download the weights from the card's sources.

    They get their name once their hash is right.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.models.fetch import fetch as fetch_weights

    def say(line: str) -> None:
        echo(line, err=True)

    _print_verified(fetch_weights(name, workspace_dir(), say=say))


@models.command()
@click.argument("name", shell_complete=completion.models)
@click.option("--type", "file_type", default="bf16", show_default=True, help="bf16, q8_0 or q4_0.")
def requantise(name: str, file_type: str) -> None:
    """Write a GGUF's weights as another type: larger, and often faster to serve.

    They get a card of their own. `localfair bench` says what it is worth here. Nothing that an
    earlier quantisation lost comes back.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.models.requantise import requantise as write

    card = write(name, file_type, workspace_dir())
    size = (card.size or 0) / MIB
    echo(f"{card.name}: {size:.0f} MiB, sha256 {card.sha256}")


@models.command(
    epilog="\b\nExamples:\n  localfair models fit qwen3-8b --context 2048 --batch 8\n"
    "  localfair models fit smollm2-135m-instruct --train --length 384 --batch 8"
)
@click.argument("name", shell_complete=completion.models)
@click.option("--train", is_flag=True, help="To be trained by QLoRA, not to be served.")
@click.option(
    "--context",
    type=TOKENS,
    default=2048,
    show_default=True,
    help="Tokens a sequence, serving.",
)
@click.option(
    "--length",
    type=TOKENS,
    default=512,
    show_default=True,
    help="Tokens a lesson, training.",
)
@click.option("--batch", type=COUNT, help="Sequences served at once [16], or lessons a step [8].")
@click.option("--rank", type=RANK, default=16, show_default=True, help="Of the adapter.")
@click.option(
    "--gradient-checkpointing", "checkpointing", is_flag=True, help="Train slower, in less memory."
)
def fit(
    name: str,
    train: bool,
    context: int,
    length: int,
    batch: int | None,
    rank: int,
    checkpointing: bool,
) -> None:
    """Say whether a model fits this machine's free memory, and what would fit. An estimate."""
    from localfair.machine.hardware import usual_precision
    from localfair.machine.workspace import workspace_dir
    from localfair.models import fit as fitting
    from localfair.models.registry import resolve

    if train:
        load = fitting.Load(
            context=length,
            batch=batch or 8,
            rank=rank,
            checkpointing=checkpointing,
            train=True,
            compute=usual_precision(),
        )
    else:
        load = fitting.Load(context=context, batch=batch or 16)
    _print_fit(name, fitting.fit(resolve(name, workspace_dir()), load))


def _name_others_of_the_same(card: Card, cards: Iterable[Card]) -> None:
    """Print which card describes the same weights under another name, where one does."""
    for other in cards:
        if other.sha256 == card.sha256 and other.name != card.name:
            echo(f"known weights: the card {other.name} describes them; {card.name} says the same")
            return


def _name_what_is_left(weights: Path) -> None:
    from localfair.machine.workspace import at_home
    from localfair.models.metadata import left_alone

    left = left_alone(at_home(weights))
    if left:
        echo(f"left alone, nothing opens it: {', '.join(left)}", err=True)


def _print_fit(name: str, fit: Fit) -> None:
    purpose = "QLoRA" if fit.load.train else "serving"
    verdict = "fits" if fit.fits else "does not fit"
    echo(
        f"{name}, {purpose}, {fit.load}: needs {fit.needed / GIB:.2f} GiB,"
        f" {fit.free / GIB:.2f} GiB of {fit.memory} are free: {verdict}"
    )
    if fit.instead:
        echo(f"would fit: {fit.instead}")
    elif not fit.fits:
        echo("nothing smaller fits: take a smaller model")


def _print_verified(model: Model) -> None:
    if model.card.format == "endpoint":
        echo(
            f"{model.name}: {model.fingerprint}"
            f" (as it said before, which cannot be verified) {model.card.url}"
        )
        return
    state = "as the card says" if model.card.sha256 else "seen, the card holds no sha256"
    echo(f"{model.name}: {model.fingerprint} ({state}) {model.path}")
