"""Lists of addresses: "Name <local@domain>, ..." with comments, groups and quoted strings (RFC 5322 section 3.4)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from pipeline.mailformat.words import decoded_words

MAX_TEXT: Final = 16 * 1024  # characters of a value that are looked at
MAX_ADDRESSES: Final = 100

# A quoted string, a domain literal, a character with a meaning, a run without one, white space. What is not closed goes
# on to the end, so that every character belongs to exactly one of them.
_WORD: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|\[[^\]]*+\]?|[(),:;<>]|[^\s"\[(),:;<>]++|\s++',
    re.DOTALL,
)
_IN_COMMENT: Final = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_SPEC: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^\s"<>]+)@(?:\[[^\]]*+\]|[^\s"<>@\[\]]++)', re.DOTALL)
_SIGNS: Final = ("@", ".")  # white space round them is no end of an address


class Address(NamedTuple):
    """`name` for display, encoded words decoded; `address` as it was written, "local@domain"."""

    name: str
    address: str


def addresses(text: str) -> list[Address]:
    """The addresses in a value, in order; what holds none is passed over. Those of a group are like any others."""
    return list(islice(_addresses(text[:MAX_TEXT]), MAX_ADDRESSES))


@dataclass(slots=True)
class _Mailbox:
    """What stands between two commas, as far as it is read."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: list[str] | None = None  # what is in the angle brackets
    is_open: bool = False  # the angle bracket is
    _is_apart: bool = True  # the next one is no part of the one before it

    def take(self, word: str) -> None:
        """What ends nothing."""
        if word == "<":
            self.angle, self.is_open = [], True
        elif word == ">":
            self.is_open = False
        elif self.is_open and self.angle is not None:
            self.angle.append(word)
        elif word.isspace():
            self._is_apart = True
        else:
            self._add(word)

    def address(self) -> Address | None:
        """None where there is none in it."""
        if self.angle is not None:
            spec = "".join(word for word in self.angle if not word.isspace())
            return _address(self.words or self.comments, spec.rpartition(":")[2])  # behind a route
        return _address(self.words[:-1] or self.comments, self.words[-1]) if self.words else None

    def _add(self, word: str) -> None:
        is_joined = self.words and (word.startswith(_SIGNS) or self.words[-1].endswith(_SIGNS) or not self._is_apart)
        if is_joined:
            self.words[-1] += word
        else:
            self.words.append(word)
        self._is_apart = False


def _addresses(text: str) -> Iterator[Address]:
    mailbox = _Mailbox()
    at = 0
    while found := _WORD.match(text, at):
        at = found.end()
        word = found[0]
        if word == "(":
            end = _comment_end(text, at)
            mailbox.comments.append(text[at : end - 1].strip())
            at = end
        elif word == ":" and not mailbox.is_open:
            mailbox = _Mailbox()  # what stood before it is the name of a group
        elif word in ",;" and not mailbox.is_open:
            yield from filter(None, (mailbox.address(),))
            mailbox = _Mailbox()
        else:
            mailbox.take(word)
    yield from filter(None, (mailbox.address(),))


def _comment_end(text: str, at: int) -> int:
    """Behind the comment that was opened before `at`. Comments are in comments, to any depth; so a count does."""
    depth = 1
    for found in _IN_COMMENT.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(text) + 1


def _address(name: list[str], spec: str) -> Address | None:
    if not _SPEC.fullmatch(spec):
        return None
    return Address(decoded_words(" ".join(map(_unquoted, name))), spec)


def _unquoted(word: str) -> str:
    if word.startswith('"'):
        word = word[1:].removesuffix('"')
    return _ESCAPED.sub(r"\1", word)
