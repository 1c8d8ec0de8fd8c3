"""The list of parts, in order of worth: what each measures, its time limit and its settings.

Pure data; a part's function is imported in the process that does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHAPES = ("0.5B", "1.7B", "4B", "8B", "14B")
TOY_SHAPES = ("toy",)
SEEDS = (0, 1, 2)
HALVES = ("first", "second", "third")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One measurement in a process of its own.

    module, function: where it stands in `tests.gpu`; the function takes a Setting and `settings`,
    and yields rows. seconds: after which the process and its children are killed. shares: it tells
    no time, so it is done beside its neighbours that share, too.
    """

    name: str
    half: str
    module: str
    function: str
    seconds: int
    about: str
    settings: dict[str, Any] = field(default_factory=dict)
    shares: bool = False

    @property
    def title(self) -> str:
        """Its name and settings, in words."""
        words = [f"{key} {value}" for key, value in self.settings.items()]
        return " ".join([self.name, *words])

    def key(self, toy: bool) -> str:
        """What it is known by in the results file: a toy part is never taken for a measured one."""
        return f"{self.title} (toy)" if toy else self.title


def parts(toy: bool) -> list[Part]:
    """Every part, the most worth first. Toy size has one shape and one seed."""
    shapes = TOY_SHAPES if toy else SHAPES
    seeds = SEEDS[:1] if toy else SEEDS
    return [
        Part(
            name="facts",
            half="first",
            module="facts",
            function="facts",
            seconds=60,
            about="the card, its driver, what is installed, bitsandbytes' NF4 and paged Adam",
        ),
        Part(
            name="qlora",
            half="first",
            module="qlora",
            function="qlora",
            seconds=150,
            about="NF4 QLoRA beside fp32 LoRA and TRL: loss, step time, peak",
        ),
        Part(
            name="resume",
            half="first",
            module="resume",
            function="resume",
            seconds=120,
            about="a training that was killed, resumed, beside one that was not",
        ),
        *(_card(shape) for shape in shapes),
        Part(
            name="pace",
            half="first",
            module="cards",
            function="pace",
            seconds=200,
            about="tokens a second of the largest batches, alone on the card",
        ),
        Part(
            name="quickstart",
            half="first",
            module="recipes",
            function="quickstart",
            seconds=600,
            about="`localfair run quickstart`: before, after, time",
        ),
        Part(
            name="generation",
            half="second",
            module="llama",
            function="generation",
            seconds=240,
            about="shared prompts; tokens a second at 1, 16, 64 sequences, llama_cpp, transformers",
        ),
        Part(
            name="pipeline-over-engine",
            half="second",
            module="llama",
            function="pipeline_over_engine",
            seconds=240,
            about="the benchmark of that name",
        ),
        Part(
            name="batched-over-serial",
            half="second",
            module="llama",
            function="batched_over_serial",
            seconds=300,
            about="the benchmark of that name",
        ),
        Part(
            name="reviews",
            half="second",
            module="llama",
            function="reviews",
            seconds=240,
            about="the review stage, direct and reasoned: calls, time",
        ),
        *(_svamp(recipe, seed) for seed in seeds for recipe in ("fair", "committee")),
    ]


def _card(shape: str) -> Part:
    """The cards of 8 to 24 GB, for one shape."""
    return Part(
        name="cards",
        half="first",
        module="cards",
        function="cards",
        seconds=420,
        about="NF4 QLoRA of random weights: peak, and the largest batch of a card",
        settings={"shape": shape},
        shares=True,
    )


def _svamp(recipe: str, seed: int) -> Part:
    return Part(
        name="svamp",
        half="third",
        module="recipes",
        function="svamp",
        seconds=540,
        about="SVAMP with Qwen2.5-Coder: before, after, time",
        settings={"recipe": recipe, "seed": seed},
    )
