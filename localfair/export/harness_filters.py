r"""lm-evaluation-harness's filters for each kind of answer, after the readers in `tasks`.

Pure. Its `regex` filter keeps the first group that matched of the matches' first: each pattern here
matches a whole reply once and offers its places in the order in which our readers look,

    #### 72     \boxed{72}     the answer is 72     the last number
"""

from __future__ import annotations

from typing import Any

from localfair.tasks.choices import LETTERS
from localfair.tasks.grading import AnswerKind

# What was thought, up to its last closing tag, is left out; of thinking that is never closed
# nothing is read.
THOUGHT = r"(?s)\A(?:.*</think(?:ing)?>)?((?:(?!<think).)*)\Z"
# and so is what follows where a model asks itself the next question
RUN_ON = r"(?s)\A(\s*.+?)(?=\n[ \t#*]*(?:Question|Q|Problem|User|Human)[ \t]*\d*[ \t*]*:|\Z)"
BOLD = r"[*_`\"'\s$(\\]*"
NUMBER = r"(?<![\d.,])(-?\s?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?)"
TAGGED = r"(?:<(?:final_?)?answer>|\"answer\"\s*:)"
STATES = r"answer(?:\s+(?:to|for|of)\b[^.\n:]{0,80}?)?(?:\s+(?:is|was|equals|would\s+be)\b(?!\s+not\b)\s*:?|\s*[:=])"


def filters_of(answer_kind: AnswerKind, choices: int) -> list[dict[str, Any]]:
    """The filters by which a reply becomes an answer; `choices`: the most that a question has."""
    steps = [_regex(THOUGHT), _regex(RUN_ON), _regex(_pattern(answer_kind, choices))]
    if answer_kind == "yes-no":
        meanings = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
        steps.append({"function": "lowercase"})
        steps.append({"function": "map", "mapping_dict": meanings, "default_value": "[unreadable]"})
    return [*steps, {"function": "take_first"}]


def metric_of(answer_kind: AnswerKind) -> dict[str, Any]:
    """How an answer is held against the gold: as a text, without what does not change its value."""
    metric: dict[str, Any] = {
        "metric": "exact_match",
        "aggregation": "mean",
        "higher_is_better": True,
        "ignore_case": True,
    }
    if answer_kind == "number":
        metric["regexes_to_ignore"] = [
            r"[,$\s]",
            r"\.0+\Z",
            *[rf"(?<=\.\d{{{places}}})0+\Z" for places in (1, 2, 3, 4)],
        ]
    elif answer_kind in ("text", "latex"):
        metric["regexes_to_ignore"] = [r"[\s.,;:!?\"'*_`]"]
    return metric


def _regex(pattern: str) -> dict[str, Any]:
    return {
        "function": "regex",
        "regex_pattern": pattern,
        "group_select": 0,
        "fallback": "[unreadable]",
    }


def _pattern(answer_kind: AnswerKind, choices: int) -> str:
    """The pattern of a whole reply for a kind of answer."""
    if answer_kind == "number":
        # of a sum that is worked out after "the answer is", its result
        places = [
            rf".*{TAGGED}[^\n\d<-]*{NUMBER}",
            rf".*####[^\n\d-]*{NUMBER}",
            rf".*\\boxed\s*\{{(?:[^{{}}\n]*=)?[^\n\d{{}}-]*{NUMBER}",
            rf".*{STATES}(?:[^\n]*?=)?[^\n\d-]*{NUMBER}",
            rf".*{NUMBER}",
        ]
    elif answer_kind == "choice":
        letters = LETTERS[: max(choices, 2)]
        letter = rf"([{letters}])\b(?!')"
        places = [
            rf".*{TAGGED}{BOLD}{letter}",
            rf".*####{BOLD}{letter}",
            rf".*\\boxed\s*\{{{BOLD}(?:\\text\{{)?{letter}",
            rf".*{STATES}{BOLD}(?:option|choice)?{BOLD}{letter}",
            rf".*\(([{letters}])\)",
            rf".*(?<![\w']){letter}",
        ]
    elif answer_kind == "yes-no":
        word = r"\b(yes|no|true|false)\b"
        places = [rf".*{TAGGED}{BOLD}{word}", rf".*{STATES}{BOLD}{word}", rf".*{word}"]
    elif answer_kind == "latex":
        places = [r".*\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}", rf".*{STATES}\s*([^\n]+)"]
    else:
        places = [r".*####\s*([^\n]+)", rf".*{STATES}{BOLD}([^\n]+)", r".*?([^\s.]+)\W*"]
    # in the order of the places, each as late in the reply as it stands
    return r"(?si)\A(?:" + "|".join(places) + ")" + (r"\Z" if answer_kind == "text" else "")
