"""The one way to a person's terminal: text that others wrote is shown, never obeyed.

Questions, names, licences, replies, a server's messages and the paths of files may hold codes that
move the cursor, hide text or turn its direction. They are shown as escapes such as `\\x1b`. Writes
to stdout and stderr; knows nothing of what it prints.
"""

from __future__ import annotations

import json
import re
import shutil
import sys

import click

# What moves the cursor, turns the direction of text, breaks a line or is not seen at all: C0 but
# for tab and line feed, DEL, C1, bidi marks, line separators, spaces without width, tags,
# selectors beyond the usual ones, and halves of a surrogate pair.
UNSHOWN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Joiners belong to Persian, to the scripts of India and to emoji; beside ASCII they only hide.
HIDING_JOINER = r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
MOST_QUOTED = 200  # characters of a text that a message quotes
ESCAPED = re.compile(f"[{UNSHOWN}]|{HIDING_JOINER}")


def shown(text: object) -> str:
    """A text of one line or many in which every control code is seen as its escape.

    Line feeds and tabs stay.
    """
    return ESCAPED.sub(_escape, str(text).replace("\r\n", "\n"))


def shown_in_line(text: object) -> str:
    """`shown` for a text that must not become a second line: its line feeds are seen as well."""
    return ESCAPED.sub(_escape, str(text)).replace("\n", "\\n")


def one_line(text: object, most: int = MOST_QUOTED) -> str:
    """A text as one line of at most `most` characters, for a message that quotes it."""
    # what is cut away is not looked at: a quoted text may be a whole file
    line = " ".join(str(text)[: 4 * most].split())
    line = shown_in_line(line)
    return line if len(line) <= most else line[: most - 1] + "…"


def echo(*lines: object, err: bool = False) -> None:
    """Print each line on stdout, or on stderr. No line can become two, nor an escape code."""
    _print([shown_in_line(line) for line in lines], err)


def cut_to_terminal(line: str) -> str:
    """A line as long as stdout's terminal is wide, with … where it was cut; whole elsewhere."""
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return line if len(line) <= width else line[: width - 1] + "…"


def echo_text(text: str, *, err: bool = False) -> None:
    """Print a text of several lines, such as a question or a file."""
    _print([shown(text)], err)


def echo_json(value: object, *, indent: int | None = None, err: bool = False) -> None:
    """Print a value as JSON on stdout or stderr; JSON's own escapes keep control codes out."""
    text = json.dumps(value, indent=indent)
    _print([text.replace("\x7f", "\\u007f")], err)


class Pieces:
    """A text that comes in pieces, printed on stdout as `echo_text` would print the whole.

    An escape code may be split over pieces: each of its characters is shown by itself. `indent`
    stands before every line, so that no line of the text can pass for one of ours.
    """

    def __init__(self, indent: str = "") -> None:
        self._indent = indent
        self._waiting = ""  # what its neighbour decides about, and that has not come
        self._last = ""
        self.is_begun = False  # whether anything stands on the line

    def print(self, piece: str) -> None:
        """Print what is sure of the text so far."""
        text = self._waiting + piece
        sure = len(text.rstrip("\r\u200c\u200d"))
        self._waiting = text[sure:]
        self._print(text[:sure])

    def end(self) -> None:
        """Print what is left, and end the line."""
        self._print(self._waiting)
        self._waiting = ""
        _write("\n")

    def _print(self, text: str) -> None:
        if not text:
            return
        before = shown(self._last)
        escaped = shown(self._last + text)[len(before) :]
        self._last = text[-1]
        if not self.is_begun:
            escaped = self._indent + escaped
            self.is_begun = True
        _write(escaped.replace("\n", "\n" + self._indent))


def warn(text: str) -> None:
    """Print a warning on stderr."""
    echo(f"warning: {text}", err=True)


def _print(lines: list[str], err: bool) -> None:
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    for line in lines:
        # a terminal of another encoding gets ? for what it has no letter for
        click.echo(line.encode(encoding, "replace").decode(encoding), err=err)


def _write(text: str) -> None:
    """Write on stdout at once, without ending the line."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding), nl=False)
    sys.stdout.flush()


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"
