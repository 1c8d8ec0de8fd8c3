"""What others wrote stays a text in a Markdown file, whatever it is made of."""

import pytest
import yaml as reader

from localfair.export.markdown import code, escaped, yaml


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("Apache-2.0", "Apache-2.0"),
        ("smollm2_135m (v1.0)", "smollm2_135m (v1.0)"),
        ("a | b", "a \\| b"),
        ("<script>x</script> & more", "&lt;script&gt;x&lt;/script&gt; &amp; more"),
        ("[x](http://y)", "\\[x\\](http://y)"),
        ("`rm` *now*", "\\`rm\\` \\*now\\*"),
        ("one\n---\ntwo: x\r\n# three", "one --- two: x \\# three"),
        ("esc\x1b[2J\u2028x", "esc\\\\x1b\\[2J\\\\u2028x"),
    ],
)
def test_a_text_is_shown_as_it_stands_on_one_line(text, stands):
    assert escaped(text) == stands


def test_code_ends_where_it_is_meant_to():
    assert code("plain-1") == "`plain-1`"
    hostile = code("x` | <b>\n```\n# y")
    assert hostile.count("`") == 2
    assert "|" not in hostile and "\n" not in hostile


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "a\n---\nlicense: mit",
        "x: y # z",
        "😀 \u2028 \x85 \x7f \ufeff",
        ["a", {"b": 'say "no"'}],
        "!!python/object:os.system",
    ],
)
def test_yaml_reads_a_value_as_it_was(value):
    line = yaml(value)
    assert len(line.splitlines()) == 1
    assert reader.safe_load(f"key: {line}") == {"key": value}
