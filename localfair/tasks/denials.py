"""How a text denies an answer, leaves it open, or goes on to another one.

Reads a cleaned text and writes nothing. Knows no task and no kind of answer. Ours.
"""

from __future__ import annotations

import re

_NEAREST = 70  # characters before an answer in which it is denied
_AFTER = 60  # characters after it
_BEFORE = re.compile(
    r"""(?:\b(?:not|cannot|never|neither|nor|rather\s+than|instead\s+of|anything\s+but|no\s+longer|far\s+from|unlike
          |doubt|doubtful|unlikely|nicht|niet|não|ikke|inte|не)|n't|不是|并非|並非|≠|!=|\\neq?\b)\s*
        (?:(?:be|been|going\s+to|equal\s+to|about|exactly|simply|merely|just|really|actually|necessarily|quite|even)\s+){0,3}
        (?:(?:think|believe|say|sure|certain|expect|true|the\s+case)\s+)?
        (?:that\s+|if\s+|whether\s+)?
        (?:(?:it|this|that|he|she|they|there|we|the\s+(?:answer|result|total))(?:\s+(?:is|was|are|would\s+be|can\s+be|has|have))?\s+
           |(?:it|that|he|she)'s\s+)?
        [$€£({\s]*$""",
    re.IGNORECASE | re.VERBOSE,
)
_WRONG = (
    r"(?:wrong|incorrect|mistaken|false|impossible"
    r"|not\s+(?:quite\s+)?(?:right|correct|true|possible|valid|(?:the|my|our|a)\s))"
)
_REFUTED = re.compile(
    rf"""[\s%"')\].]*(?:\w+\s){{0,2}}?(?:is|was|'s|would\s+be|must\s+be|seems)\s+(?:(?:clearly|obviously|also|too)\s+)?
          (?:{_WRONG}|(?<=too\s)(?:high|low|large|small|big|many|few|much))
        |[\s%"')\].]*(?:\w+\s){{0,2}}?(?:isn't|wasn't|cannot\s+be|can't\s+be)\s+(?:the|my|our|right|correct|true|possible)\b
        |[\s%"')\]]*[,;]?\s*(?:but|which|though|although|and|however,?)\s+(?:(?:that|this|it)\s*)?(?:is|was|'s|would\s+be)\s+{_WRONG}""",
    re.IGNORECASE | re.VERBOSE,
)
# words after a stated answer that offer or conclude another one
OTHERWISE = re.compile(
    r"""\b(?:or|maybe|perhaps|possibly|alternatively|(?:could|might|may)\s+(?:also\s+)?be|oder|ou|или|possible
          |so|that\s+is|hence|thus|therefore|meaning|but\s+(?:really|actually|in\s+fact)?\s?(?:it|that|the)\s*(?:is|'s))\b""",
    re.IGNORECASE | re.VERBOSE,
)
CONCLUDES = re.compile(
    r"[\s,;:(]*(?:so|hence|thus|therefore|meaning|that\s+is|i\.e\.)\b[\s,:]*(?:it\s+is\s|that\s+is\s)?[$€£]?",
    re.IGNORECASE,
)
# statements that give no answer
_OPEN = re.compile(
    r"""[\W_]*(?:(?:currently\s+|simply\s+)?(?:unknown|undetermined|undefined|indeterminate|unclear|uncertain|null|nil|n/a|none\s+of)\b
          |not\s+(?:known|clear|determinable|enough|given|possible\s+to)\b
          |(?:cannot|can't|can\s+not|could\s+not|impossible\s+to|unable\s+to)\s+(?:be\s+)?(?:determin|know|tell|answer|comput|calculat|said|say)
          |(?:I\s+)?(?:don't|do\s+not)\s+know\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_TOLD = re.compile(
    r"""\b(?:(?:not|n't)\s+(?:have\s+|given\s+|provide\s+)?enough\s+(?:information|info|data)
          |(?:insufficient|missing)\s+(?:information|data)
          |(?:cannot|can't|can\s+not|impossible\s+to|unable\s+to|not\s+possible\s+to)\s+(?:be\s+)?(?:determine|answer)d?
          |(?:I\s+)?(?:don't|do\s+not)\s+know\s+the\s+answer)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST = 2000  # characters of the end of a reply in which it says that it has no answer
_QUESTION = re.compile(r"^[^=]*\?[\s\"')*_\]]*$")


def is_denied(sentence: str, start: int, end: int) -> bool:
    """Whether a sentence says that what stands from `start` to `end` is not the answer."""
    before = sentence[max(0, start - _NEAREST) : start]
    if _BEFORE.search(before):
        return True
    return _REFUTED.match(sentence[end : end + _AFTER]) is not None


def is_open(text: str) -> bool:
    """Whether a statement says that there is no answer, or a text that its author has none."""
    return _OPEN.match(text[:_AFTER]) is not None or _NOT_TOLD.search(text[-_LONGEST:]) is not None


def asks(sentence: str) -> bool:
    """Whether a sentence is a question, and no equation with a stray mark."""
    return _QUESTION.match(sentence) is not None
