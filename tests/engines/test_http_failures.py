"""What a server said when it failed: when to come back, and its words on one line."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from localfair.engines.http_failures import retry_after, words_of
from localfair.machine.http import Reply


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"error": {"message": "out of\\n pens"}}', "out of pens"),
        (b'{"error": "no"}', "no"),
        (b'{"detail": "no"}', "{'detail': 'no'}"),
        (b"plain\x1b[2J \xff", "plain\\x1b[2J \ufffd"),
        (b"[1]", "[1]"),
        (b"", ""),
        (b"x" * 10**6, "x" * 299 + "…"),
    ],
)
def test_a_servers_words_are_one_short_line_without_codes(content, words):
    assert words_of(Reply(500, content)) == words


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("9" * 5000, None),
        ("\u0663", None),
        ("Thu, 99 Foo 1970", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date_or_not_at_all(header, seconds):
    assert retry_after(header) == seconds


def test_a_date_ahead_is_the_seconds_until_then():
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    assert 25 < retry_after(format_datetime(ahead, usegmt=True)) <= 30
