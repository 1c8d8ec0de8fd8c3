"""How likely the student finds a lesson: its log-probability a token (GRAPE, arXiv 2502.04194).

Reads drafts; writes generations. The student is asked as it sits at this step. Knows nothing of how
many lessons are taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from localfair.committee.ask import PIECE, Call
from localfair.recipe.schema import Select
from localfair.record.made import Reply
from localfair.record.nouns import Request, Sampling
from localfair.record.tables import REPLIES
from localfair.stages.drafts import Draft
from localfair.stages.step import Work, about


def likelihoods(work: Work, step: Select, drafts: Mapping[str, Draft]) -> dict[str, float]:
    """The mean log-probability of a completion's tokens after its prompt, by the drafts' keys.

    A draft whose call failed is left out.
    """
    student = work.committee.of("student")[0]
    # a score draws nothing: no seed, so that runs of other seeds find it in the record
    sampling = Sampling(enable_thinking=work.enable_thinking("student"))
    calls = []
    for key, draft in drafts.items():
        request = Request(
            messages=draft.prompt,
            sampling=sampling,
            action="score",
            continuations=(draft.completion,),
            about=about(draft.question),
        )
        calls.append(Call(student, request, key))
    means: dict[str, float] = {}
    waiting: list[str] = []
    for call, reply in work.committee.ask(calls, f"{step.id}:"):
        means[call.tag] = _mean(reply, drafts[call.tag].completion)
        waiting.append(reply.id)
        if len(waiting) == PIECE:
            work.rows.made(REPLIES, waiting)
            waiting = []
    work.rows.made(REPLIES, waiting)
    return means


def _mean(reply: Reply, completion: str) -> float:
    [total] = reply.logprobs
    # a script counts no tokens of what it scores; its tokens are words
    tokens = reply.completion_tokens or len(completion.split())
    return total / max(1, tokens)
