"""Things to write into records: a question, a seat, a request and its reply, rows of a run and of
an adapter.
"""

from localfair.record.fits import Fit, PlantReview
from localfair.record.made import Turn, Turns
from localfair.record.nouns import (
    EngineIdentity,
    Generation,
    Message,
    Question,
    Request,
    Sampling,
    Seat,
)
from localfair.tasks.base import Dataset, Source

ENGINE = EngineIdentity(model="m", fingerprint="f", chat_template="c", engine="scripted")
SOFT_LABEL_KEY = {
    "mentor": "f",
    "adapter": "",
    "engine": "transformers/bf16",
    "tokens": "[1,2]",
    "top_k": 4,
    "vocabulary": 9,
    "tau": 1.0,
}
A_TURNS = Turns(inputs="b2:00", task="t", questions=3, teachers=(Turn("s", 2, 9), Turn("r", 1, 9)))
SEAT = Seat(role="teacher", index=0, model="m", fingerprint="f", run_seed=7)


def question(number, split="train"):
    return Question(
        task="t",
        key=str(number),
        split=split,
        text=f"{number}?",
        gold=str(number),
        choices=("a", "b"),
    )


QUESTIONS = tuple(question(number) for number in range(5))
DATASET = Dataset(QUESTIONS, (Source("t.jsonl", "ab" * 32, 7),), "mit")


def request(**fields):
    messages = (Message("user", "hi"),)
    return Request(messages=messages, sampling=Sampling(temperature=0.7), **fields)


def generation(text="hello", **fields):
    return Generation(
        request=request(**fields),
        text=text,
        finish="stop",
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.1,
    )


def a_run(run="r", **fields):
    row = {
        "id": run,
        "recipe": "fair",
        "effective": "{}",
        "task": "t",
        "settings": "{}",
        "seed": 0,
        "versions": "{}",
        "started": "now",
        "status": "running",
    }
    return row | fields


def a_step(position, run="r"):
    return {
        "run": run,
        "position": position,
        "step": "exam",
        "stage": "exam",
        "round": 1,
        "started": "now",
    }


def an_adapter(adapter, parent=None):
    return {
        "id": adapter,
        "role": "student",
        "base": "f",
        "parent": parent,
        "settings": "{}",
        "path": adapter,
        "sha256": "ab",
        "steps": 1,
        "seconds": 1.0,
        "tokens": 1,
        "peak_memory": 1,
        "created": "now",
    }


def a_fit(**fields):
    plant = PlantReview(plant="p", explanation="e", seat="s", generation="g", score=4.0)
    usual = {
        "fitted_on": "answer",
        "decides": "probability",
        "reason": "1 of 2 reviewers have a vote",
        "precision": 0.8,
        "intercept": 1.0,
        "threshold": 0.5,
        "authors": {"a": 0.25},
        "votes": {"s": {"mean": 3.0, "spread": 1.0, "weight": 2.0, "low": 1.0, "high": 3.0}},
        "dropped": {"t": "weight +0.10 [-0.50, +0.70] holds 0"},
        "labels": (("e", True), ("f", False)),
        "reviews": ("r",),
        "plants": (plant,),
    }
    return Fit(**usual | fields)
