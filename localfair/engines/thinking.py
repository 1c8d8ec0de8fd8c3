"""Thinking in a reply's text, whoever wrote its tags: the one place for every engine.

A template may write the opening tag into the prompt, and a vocabulary may have the tags as control
tokens, which decoding leaves out. Either way the text would not show where thinking begins or ends.
`localfair.tasks.reply` knows the tags. Reads prompts and replies; knows nothing of weights or servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from localfair.record.nouns import Generation
from localfair.tasks.reply import marks_thinking, opened_thinking

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase as Tokenizer

# Tokens of a prompt's end that hold any opening tag.
TAG_TOKENS = 24


def with_opening(reply: Generation, prompt_end: str) -> Generation:
    """The reply, with the opening tag before its text where the prompt ends in one.

    A bound reply does not think: it is left as it is.
    """
    opening = opened_thinking(prompt_end)
    if not opening or reply.request.constraint is not None:
        return reply
    return replace(reply, text=opening + reply.text)


def hidden_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """The special tokens of a transformers tokenizer that a reply's text leaves out."""
    special = set(tokenizer.all_special_ids)
    for number, token in tokenizer.added_tokens_decoder.items():
        if token.special:
            special.add(number)
    return frozenset(
        number
        for number in special
        if not marks_thinking(str(tokenizer.convert_ids_to_tokens(number)))
    )


def thinking_tokens(control: Iterable[str]) -> tuple[str, ...]:
    """Those of a vocabulary's control tokens that stay in a reply's text."""
    return tuple(token for token in control if marks_thinking(token))
