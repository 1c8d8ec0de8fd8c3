"""USAGE.md quotes the exam's prompt so that nothing in it ends a block or reaches a shell."""

import json
import re
import shlex

from localfair.export.exam_prompt import ExamPrompt
from localfair.export.usage import block, of_gguf, of_lora
from localfair.record.nouns import Message, Sampling

HOSTILE = "```\n# Mine\n```` $(id) `id`\nJSON\n'; rm -rf . #\n</div><script>\x1b[2J"


def prompt(text):
    turns = (Message("user", text),)
    return ExamPrompt(
        messages=turns, example=turns, sampling=Sampling(max_tokens=64, stop=("\n\n",))
    )


def outside_of_blocks(page):
    """The lines of a page that stand in no fenced block."""
    fence, lines = "", []
    for line in page.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif match := re.match(r"(`{3,})\w*$", line):
            fence = match[1]
        else:
            lines.append(line)
    assert fence == ""
    return lines


def test_a_blocks_fence_is_longer_than_any_in_it():
    first, *_, last = block("a ````` b\n```")
    assert (first, last) == ("``````text", "``````")


def test_nothing_of_a_prompt_stands_outside_of_its_block():
    for page in (
        of_gguf("m", "m.gguf", ["Base: m"], prompt(HOSTILE)),
        of_lora("m", "m.gguf", "b.gguf", ["Base: m"], prompt(HOSTILE)),
    ):
        outside = "\n".join(outside_of_blocks(page))
        assert "Mine" not in outside
        assert "script" not in outside
        assert "\x1b" not in page


def test_the_requests_are_json_that_no_shell_reads():
    page = of_gguf("m", "m.gguf", [], prompt(HOSTILE))
    requests = re.findall(r"<<'JSON'\n(.*?)\nJSON\n", page, re.DOTALL)
    assert len(requests) == 2
    for request in requests:
        body = json.loads(request)
        assert body["messages"] == [{"role": "user", "content": HOSTILE}]
        assert "JSON" not in request.splitlines()
    for line in page.splitlines():
        if line.startswith(("curl", "ollama", "llama-server")):
            assert shlex.split(line.replace("<<", ""))


def test_lines_about_a_student_stay_lines():
    page = of_gguf("m", "m.gguf", ["Base: x\n# Mine\r\n- y"], None)
    assert "\n# Mine" not in page
    assert "holds no exam" in page
