r"""What of a raw reply is thinking, what is its answer, and what the model went on to write.

Reads a text and writes nothing. Knows no task and no kind of answer. Grades and scores are read
from the answer alone. Thinking that is never closed leaves no answer, and so does a loop that was
cut before it stated one. Ours.

    <think>4 x 3?</think> The answer is 12.     thinking, then the answer
    4 x 3?</think> The answer is 12.            the template wrote the opening tag
    <think>4 x 3?                               thinking that was cut off: no answer
    The answer is 12. Question: ... 7           a model that asks itself the next question
    The answer is 12. The answer is 12. The an  a loop that was cut
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from localfair.tasks.statements import first_marker_end

# who a message of gpt-oss is for, and in what form
_ADDRESS = r"[^<\n]{0,80}(?:<\|constrain\|>[^<\n]{0,20})?"
# How models open and close their thinking, in the order of what ships them.
_THINKING = (
    # DeepSeek-R1, Qwen3, SmolLM3
    (r"<\s?(?:seed:)?think(?:ing)?(?:\s[^<>\n]{0,60})?>", r"<\s?/\s?(?:seed:)?think(?:ing)?\s?>"),
    # in distilled data
    (
        r"<(?:thoughts?|reasoning|reflection|scratchpad|analysis|(?:inner_|internal_)(?:thoughts?|monologue))>",
        None,
    ),
    (r"<\|(?:assistant_)?think(?:ing)?\|>", r"<\|/(?:assistant_)?think(?:ing)?\|>"),
    (r"\[THINK\]", r"\[/THINK\]"),  # Magistral
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),  # Sky-T1, Bespoke
    (r"◁think▷", r"◁/think▷"),  # Kimi
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command A
    # gpt-oss, and the same without its special tokens
    (
        rf"<\|channel\|>\s?(?:analysis|commentary)\b{_ADDRESS}<\|message\|>",
        rf"<\|channel\|>\s?final\b{_ADDRESS}<\|message\|>",
    ),
    (r"(?-i:\Aanalysis(?=[A-Z\"'(*\d]))", r"(?-i:assistantfinal(?=[A-Z\"'(*#$\\\d\s]))"),
    (r"Here is my thought process:", r"Here is my response:"),  # Granite 3.2
)
_OPENING = "|".join(opening for opening, _ in _THINKING)
_CLOSING = "|".join(closing or opening.replace("<", "</", 1) for opening, closing in _THINKING)
_TAG = re.compile(rf"(?P<opening>{_OPENING})|(?P<closing>{_CLOSING})", re.IGNORECASE)
_PIECES_OF_TAGS = ("<|channel|>", "<|message|>", "<|constrain|>")
_LONGEST_PROMPT_END = 200  # characters; a tag that the prompt ends in is shorter

# Tokens that end a turn or begin another one's, written out as text.
_ANY_TURN = r"""(?:<\|(?!\w{0,20}(?:box|solution|constrain)\|)/?[A-Za-z_]{2,40}\|> | <｜[^｜<>\n]{1,40}｜>
    | </?s> | <(?:start|end)_of_turn> | \[/?INST\] | <[be]os>)"""
_TURN = re.compile(_ANY_TURN, re.VERBOSE)
# those that open the assistant's own turn
_LEADING_TURN = re.compile(rf"(?:\s*{_ANY_TURN}(?:\s*(?:assistant|model)\b)?)+", re.VERBOSE)
# A line that begins another question: "Question: ...", "Q2: ...", "### Problem 3", "User: ..."
_NEXT_QUESTION = re.compile(
    r"""^[ \t#>*_-]*
        (?: (?: (?:next|new|another|follow-?up|practice|similar)\s+(?:question|problem|exercise)
              | question | q | problem | exercise | example | query | human | user | instruction | input
              | task | 问题 | 问 | 題目 | 题目 | 例题 | 質問 | 問題 | frage | aufgabe | pregunta | problema | ejercicio
              | pergunta | exercício | domanda | esercizio | problème | exercice | vraag | вопрос | задача
              | задание | soru | câu\s+hỏi | pertanyaan | 질문 | 문제 )
            [ \t]*\#?\d{0,4}[ \t*_]*
            (?: [:：.)] | (?=\n|$) )
          | (?:now[ ,]+)?let(?:'s|’s|\s+us)\s+(?:now\s+)?
            (?:solve|try|do|consider|look\s+at|move\s+on\s+to|work\s+(?:on|through))\s+(?:another|(?:a|the)\s+(?:next|new|similar|different|second))\b
          | here\s+is\s+(?:another|a\s+(?:new|similar|second))\s+(?:question|problem|exercise|example)\b )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# what leads in to the question that was asked, before it is written out once more
_PRELUDE = re.compile(
    r":\s*$|\b(?:let|sure|okay|ok|certainly|here|given|restat\w*|rephras\w*|we (?:need|are|have))\b",
    re.IGNORECASE,
)
_SHORTEST_LOOP = 8  # characters; less repeats itself in sums and tables as well
_SHORTEST_WORDS = 3  # characters with a space, said _MANY times: "12 12 12 12 12 1"
_MANY = 6
_LONGEST_TAIL = 4000  # characters of the end of a reply in which a loop is looked for
_SENTENCE_END = re.compile(r"[.!?。](?=\s|$)|\n")


@dataclass(frozen=True, slots=True)
class SplitReply:
    """A raw reply in its three pieces. `answer` is None when the reply never came to one."""

    thinking: str
    answer: str | None
    run_on: str


def split_reply(text: str) -> SplitReply:
    """A raw reply as thinking, answer and run-on."""
    thinking, answer = _without_thinking(text)
    if answer is None:
        return SplitReply(thinking, None, "")
    answer, run_on = _without_run_on(answer)
    answer, loop = _without_cut_loop(answer)
    is_stated = first_marker_end(answer) is not None
    if loop and not is_stated:
        return SplitReply(thinking, None, loop + run_on)
    return SplitReply(thinking, answer, loop + run_on)


def answer_of(text: str) -> str | None:
    """The answer of a raw reply, or None when it never came to one."""
    return split_reply(text).answer


def opened_thinking(prompt: str) -> str:
    """The tag of thinking that a prompt opens at its very end, for the reply to go on in; else "".

    What the template wrote after the tag belongs to it: blanks and line breaks.
    """
    last = None
    for tag in _TAG.finditer(prompt, max(0, len(prompt) - _LONGEST_PROMPT_END)):
        last = tag
    if last is None or last["closing"] or prompt[last.end() :].strip():
        return ""
    return prompt[last.start() :]


def marks_thinking(token: str) -> bool:
    """Whether a token is a tag of thinking, or a piece of one that is a token by itself."""
    return token in _PIECES_OF_TAGS or _TAG.fullmatch(token) is not None


def said_once(answer: str) -> str:
    """An answer that ends in a loop, with what it repeats said once; any other as it is."""
    text = answer.rstrip()
    period, length = _loop_at_end(text[-_LONGEST_TAIL:])
    if not period:
        return answer
    start = len(text) - length
    while start > 0 and text[start - 1] == text[start - 1 + period]:
        start -= 1
    first = text[: start + period].rstrip()
    if first.endswith((".", "!", "?", "。")):
        return first
    # the loop is found to begin inside a sentence: the first one is told to its end
    sentence_end = _SENTENCE_END.search(text, len(first), start + 2 * period)
    return text[: sentence_end.end()].rstrip() if sentence_end else first


def _without_thinking(text: str) -> tuple[str, str | None]:
    """The thinking, and what stands outside it; None when the thinking was never closed."""
    thinking: list[str] = []
    outside: list[str] = []
    is_thinking = False
    start = 0
    for tag in _TAG.finditer(text):
        piece = text[start : tag.start()]
        start = tag.end()
        if tag["opening"]:
            (thinking if is_thinking else outside).append(piece)
            is_thinking = True
            continue
        if not is_thinking:
            # the template wrote the opening tag: all that came before was thinking
            thinking += outside
            outside = []
        thinking.append(piece)
        is_thinking = False
    rest = text[start:]
    if is_thinking:
        return "".join([*thinking, rest]), None
    return "".join(thinking), "".join([*outside, rest])


def _without_run_on(text: str) -> tuple[str, str]:
    """The text up to where its author's turn ends or it asks itself another question."""
    leading = _LEADING_TURN.match(text)
    if leading:
        text = text[leading.end() :]
    turn = _TURN.search(text)
    end = turn.start() if turn else len(text)
    for question in _next_questions(text[:end]):
        end = question
        break
    return text[:end], text[end:]


def _next_questions(text: str) -> Iterator[int]:
    """Where a line begins another question, after the text has answered one."""
    marker_end = first_marker_end(text)
    opens_with_question = _NEXT_QUESTION.match(text.lstrip()) is not None
    for number, header in enumerate(_NEXT_QUESTION.finditer(text)):
        if number == 0 and opens_with_question:
            continue
        is_stated = marker_end is not None and marker_end < header.start()
        # with no statement before it, the first one may be the question that was asked
        before = text[max(0, header.start() - 400) : header.start()].strip()
        if is_stated or (before and not _PRELUDE.search(before)):
            yield header.start()


def _without_cut_loop(text: str) -> tuple[str, str]:
    """The text without the cut last words of a loop; text that does not loop as it is."""
    text = text.rstrip() if text.endswith(" ") else text
    period, length = _loop_at_end(text[-_LONGEST_TAIL:])
    cut_off = length % period if period else 0
    if not cut_off:
        return text, ""
    tail_start = len(text) - length
    end = len(text) - cut_off
    # a whole sentence is whole wherever the loop is said to begin
    for sentence_end in _SENTENCE_END.finditer(text, max(tail_start, len(text) - period)):
        end = sentence_end.end()
    # nor is a word cut in two; of a text that is one word nothing is left
    while 0 < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end -= 1
    return text[:end], text[end:]


def _loop_at_end(text: str) -> tuple[int, int]:
    """The period of the longest loop that ends the text and how long it is; zeros for none.

    A loop says one thing at least twice and begins it again. The lengths are those of the
    prefix function of the reversed text, so the search is linear.
    """
    reversed_text = text[::-1]
    borders = [0] * len(reversed_text)
    border = 0
    best = (0, 0)
    short = (0, 0)
    for position in range(1, len(reversed_text)):
        while border and reversed_text[position] != reversed_text[border]:
            border = borders[border - 1]
        if reversed_text[position] == reversed_text[border]:
            border += 1
        borders[position] = border
        length = position + 1
        period = length - border
        if period >= _SHORTEST_LOOP and length > 2 * period:
            best = (period, length)
        elif period >= _SHORTEST_WORDS and length > _MANY * period:
            short = (period, length)
    said = text[-short[0] :]
    is_of_words = re.search(r"\s", said) and not re.search(r"[-+*/=×|]", said)
    return short if short[0] and is_of_words and not best[0] else best
