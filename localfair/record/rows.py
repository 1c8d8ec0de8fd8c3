"""Rows of tables as nouns, and nouns as rows.

Pure. Knows nothing of the database.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from localfair.record.connection import now
from localfair.record.nouns import EngineIdentity, Generation, Question, canonical_json

Row = dict[str, Any]


def question_row(question: Question) -> Row:
    """A question as its row."""
    return {
        "id": question.id,
        "task": question.task,
        "key": question.key,
        "split": question.split,
        "text": question.text,
        "choices": canonical_json(list(question.choices)),
        "gold": question.gold,
        "rationale": question.rationale,
    }


def question_of(row: Row) -> Question:
    """A row as its question."""
    return Question(
        task=row["task"],
        key=row["key"],
        split=row["split"],
        text=row["text"],
        gold=row["gold"],
        choices=tuple(json.loads(row["choices"])),
        rationale=row["rationale"],
    )


def generation_row(identity: EngineIdentity, generation: Generation) -> Row:
    """A generation as its row."""
    request = generation.request
    messages = [[message.role, message.content] for message in request.messages]
    constraint = asdict(request.constraint) if request.constraint else None
    return {
        "id": request.id(identity),
        "action": request.action,
        **asdict(identity),
        "messages": canonical_json(messages),
        "sampling": canonical_json(request.sampling.data()),
        "seed": request.seed,
        "sample": request.sample,
        "continuations": canonical_json(list(request.continuations)),
        "about": request.about,
        "constrained": canonical_json(constraint),
        "wants_logprobs": int(request.logprobs),
        "text": generation.text,
        "finish": generation.finish,
        "prompt_tokens": generation.prompt_tokens,
        "completion_tokens": generation.completion_tokens,
        "seconds": generation.seconds,
        "logprobs": canonical_json(list(generation.logprobs)),
        "created": now(),
    }
