"""`localfair models`: list, add, check, fetch, requantise, fit. Parses, calls `localfair.models`, prints."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Any

import click


@click.group(
    epilog="\b\nExamples:\n  localfair models list\n  localfair models add ~/weights/tiny.gguf"
)
def models() -> None:
    """Model cards and their weights; only `fetch` touches the network."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def list_models(as_json: bool) -> None:
    """Show every card: licence and its terms for outputs, size, and whether the weights are here."""
    from localfair.machine.workspace import workspace_dir
    from localfair.models.listing import listing, table

    rows = listing(workspace_dir())
    click.echo(json_module.dumps(rows, indent=2) if as_json else table(rows))


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
    """Write a card for a GGUF file or a safetensors folder from its own metadata, or for a model behind a server."""
    from localfair.machine.workspace import workspace_dir
    from localfair.models.adding import add as add_weights
    from localfair.models.adding import add_endpoint

    if file is not None and not (endpoint or served):
        card = add_weights(file, workspace_dir(), name=name, force=force)
        click.echo(f"{card.name}: licence {card.licence}, sha256 {card.sha256}")
    elif endpoint and served and file is None:
        card = add_endpoint(endpoint, served, workspace_dir(), name=name, force=force)
        known = card.identity or "it says nothing of its weights"
        click.echo(f"{card.name}: {card.server} at {card.url}, {known} (cannot be verified)")
    else:
        raise click.UsageError("give FILE, or --endpoint URL with --served NAME")


@models.command()
@click.argument("name")
def check(name: str) -> None:
    """Hash the weights again and compare with the card."""
    from localfair.machine.workspace import workspace_dir
    from localfair.models.registry import check as check_weights

    _found(check_weights(name, workspace_dir()))


@models.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the weights from the card's sources; they get their name once their hash is right."""
    from localfair.machine.workspace import workspace_dir
    from localfair.models.fetch import fetch as fetch_weights

    _found(fetch_weights(name, workspace_dir(), say=lambda line: click.echo(line, err=True)))


@models.command()
@click.argument("name")
@click.option("--type", "kind", default="bf16", show_default=True, help="bf16, q8_0 or q4_0.")
def requantise(name: str, kind: str) -> None:
    """Write a GGUF's weights as another type, with a card of its own: larger, and often faster to serve.

    `localfair bench` says what it is worth here. Nothing that an earlier quantisation lost comes back.
    """
    from localfair.machine.workspace import workspace_dir
    from localfair.models.requantise import requantise as write

    card = write(name, kind, workspace_dir())
    click.echo(f"{card.name}: {(card.size or 0) / 2**20:.0f} MiB, sha256 {card.sha256}")


@models.command(epilog="\b\nExamples:\n  localfair models fit qwen3-8b --context 2048 --batch 8\n"
                "  localfair models fit smollm2-135m-instruct --train --length 384 --batch 8")  # fmt: skip
@click.argument("name")
@click.option("--train", is_flag=True, help="To be trained by QLoRA, not to be served.")
@click.option(
    "--context",
    type=click.IntRange(1),
    default=2048,
    show_default=True,
    help="Tokens a sequence, serving.",
)
@click.option(
    "--length",
    type=click.IntRange(1),
    default=512,
    show_default=True,
    help="Tokens a lesson, training.",
)
@click.option(
    "--batch", type=click.IntRange(1), help="Sequences served at once [16], or lessons a step [8]."
)
@click.option(
    "--rank", type=click.IntRange(1), default=16, show_default=True, help="Of the adapter."
)
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
    """Say whether a model fits this machine's free memory, and what would fit if it does not. An estimate."""
    from localfair.machine.hardware import usual_precision
    from localfair.machine.workspace import workspace_dir
    from localfair.models import fit as fitting
    from localfair.models.registry import resolve

    load = fitting.Load(
        context=length if train else context, batch=batch or (8 if train else 16), rank=rank,
        checkpointing=checkpointing, train=train, compute=usual_precision(),
    )  # fmt: skip
    found = fitting.fit(resolve(name, workspace_dir()), load)
    gib = 2**30
    click.echo(
        f"{name}, {'QLoRA' if train else 'serving'}, {load}: needs {found.needed / gib:.2f} GiB, "
        f"{found.free / gib:.2f} GiB of {found.place} are free: {'fits' if found.fits else 'does not fit'}"
    )
    if not found.fits:
        click.echo(
            f"would fit: {found.instead}"
            if found.instead
            else "nothing smaller fits: take a smaller model"
        )


def _found(model: Any) -> None:
    if model.card.format == "endpoint":
        click.echo(
            f"{model.name}: {model.fingerprint} (as it said before, which cannot be verified) {model.card.url}"
        )
        return
    state = "as the card says" if model.card.sha256 else "seen, the card holds no sha256"
    click.echo(f"{model.name}: {model.fingerprint} ({state}) {model.path}")
