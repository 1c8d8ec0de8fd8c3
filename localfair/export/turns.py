"""What a chat template writes around each turn, and the same as a template in Go for Ollama.

A template is asked with texts that nothing else writes; what stands between them are its pieces.
What the pieces say is then held against the template itself, on conversations of every shape that
a chat has. A template that is not made of such pieces is not translated. Tool calls are not either.

Pure but for the template, which is rendered. Knows nothing of files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from localfair.errors import ModelError
from localfair.record.nouns import Message

# a conversation, and whether a reply is to be opened after it -> its text
Render = Callable[[list[Message], bool], str]

SYSTEM = "zqsystem0"
USER = ("zquser0", "zquser1", "zquser2")
REPLY = ("zqreply0", "zqreply1")
# the shapes of chats on which the pieces must say what the template says
SHAPES = ("u", "uau", "uauau", "su", "suau", "suauau")


class NotTranslated(Exception):
    """Why a template cannot be given as pieces, in a few words for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The pieces of a template. before, after: what stands around a turn's text, by role.

    beginning: what stands at the head of every chat, default_system what follows it in one without
    a system turn. opening: what opens a reply. folded: the system's text stands in the first user's
    turn, whose own `before` it takes.
    """

    beginning: str
    default_system: str
    before: dict[str, str]
    after: dict[str, str]
    opening: str
    folded: bool

    def text(self, messages: list[Message]) -> str:
        """A chat as the pieces have it, a reply opened after it."""
        has_system = messages[0].role == "system"
        written = [self.beginning]
        if not has_system:
            written.append(self.default_system)
        for number, message in enumerate(messages):
            goes_on = self.folded and has_system and number == 1
            before = "" if goes_on else self.before[message.role]
            written += [before, message.content, self.after[message.role]]
        return "".join([*written, self.opening])

    def as_go(self) -> str:
        """The same as a template in Go, over Ollama's `.Messages` and `.System`."""
        user = _literal(self.before["user"])
        if self.folded:
            user = "{{ if not (and $.System (eq $i 1)) }}" + user + "{{ end }}"
        turns = {
            "system": _literal(self.before["system"]),
            "user": user,
            "assistant": _literal(self.before["assistant"]),
        }
        branches = []
        for role, before in turns.items():
            after = _literal(self.after[role])
            branches.append('eq .Role "' + role + '" }}' + before + "{{ .Content }}" + after)
        head = _literal(self.beginning)
        if self.default_system:
            head += "{{ if not .System }}" + _literal(self.default_system) + "{{ end }}"
        chosen = "{{ if " + "{{ else if ".join(branches) + "{{ end }}"
        return head + "{{ range $i, $_ := .Messages }}" + chosen + "{{ end }}" + self.opening_in_go

    @property
    def opening_in_go(self) -> str:
        return _literal(self.opening)


def turns_of(render: Render) -> Turns:
    """The pieces of a template.

    Raises NotTranslated where the template says something else than its pieces.
    """
    turns = _pieces(render)
    for shape in SHAPES:
        chat = _chat(shape)
        if turns.text(chat) != _rendered(render, chat, True):
            raise NotTranslated(f"of a chat of the turns {_spelt(shape)} it makes another text")
    return turns


def _pieces(render: Render) -> Turns:
    """The pieces as chats of few turns show them."""
    head, tail = _around(_rendered(render, _chat("u"), True), USER[0])
    _, after_user = _around(_rendered(render, _chat("u"), False), USER[0])
    chat = _rendered(render, _chat("uau"), True)
    between, rest = _around(_after(chat, USER[0]), REPLY[0])
    between_replies, _ = _around(rest, USER[1])
    _, after_reply = _around(_rendered(render, _chat("ua"), False), REPLY[0])
    before_user = _without_head(between_replies, after_reply)
    with_system, rest = _around(_rendered(render, _chat("su"), True), SYSTEM)
    after_system, _ = _around(rest, USER[0])
    folded = not after_system.endswith(before_user) or not before_user
    if not folded:
        after_system = _without_tail(after_system, before_user)
    default_system = _without_tail(head, before_user)
    beginning = default_system
    if not folded:
        # a beginning-of-text token stands in both, and is no part of a system turn
        shared = _shared_head(default_system, with_system)
        beginning = "" if shared == with_system else shared
    return Turns(
        beginning=beginning,
        default_system=default_system.removeprefix(beginning),
        before={
            "system": _without_head(with_system, beginning),
            "user": before_user,
            "assistant": _without_head(between, after_user),
        },
        after={"system": after_system, "user": after_user, "assistant": after_reply},
        opening=_without_head(tail, after_user),
        folded=folded,
    )


def _chat(shape: str) -> list[Message]:
    """A chat of a shape: s, u and a stand for a turn of system, user and assistant."""
    users = iter(USER)
    replies = iter(REPLY)
    chat = []
    for letter in shape:
        if letter == "s":
            chat.append(Message("system", SYSTEM))
        elif letter == "u":
            chat.append(Message("user", next(users)))
        else:
            chat.append(Message("assistant", next(replies)))
    return chat


def _spelt(shape: str) -> str:
    names = {"s": "system", "u": "user", "a": "assistant"}
    return ", ".join(names[letter] for letter in shape)


def _rendered(render: Render, chat: list[Message], opens_reply: bool) -> str:
    try:
        return render(chat, opens_reply)
    except ModelError as error:
        raise NotTranslated("it refuses a chat of plain turns") from error


def _around(text: str, inner: str) -> tuple[str, str]:
    """What stands before and after a text that must stand in it once."""
    pieces = text.split(inner)
    if len(pieces) != 2:
        raise NotTranslated("it does not write every turn once")
    return pieces[0], pieces[1]


def _after(text: str, inner: str) -> str:
    return _around(text, inner)[1]


def _shared_head(first: str, second: str) -> str:
    """The characters with which both texts begin."""
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return first[:length]


def _without_head(text: str, head: str) -> str:
    if not text.startswith(head):
        raise NotTranslated("it writes turns in different ways")
    return text[len(head) :]


def _without_tail(text: str, tail: str) -> str:
    if not text.endswith(tail):
        raise NotTranslated("it writes turns in different ways")
    return text[: len(text) - len(tail)]


def _literal(piece: str) -> str:
    """A piece in a Go template: as it stands, or as a string where it would be read as Go.

    Quotes are spelt so that three never end Ollama's own quotation.
    """
    plain = all(character.isprintable() or character == "\n" for character in piece)
    if plain and not set(piece) & set('{}"\\'):
        return piece
    quoted = json.dumps(piece, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "{{ " + quoted + " }}"
