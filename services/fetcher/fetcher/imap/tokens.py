"""The words of an IMAP answer (RFC 3501 section 9): atoms, strings, NIL and lists, as nested Python values.

An atom is `str`, a quoted string or a literal is `bytes`, NIL is None, a parenthesised list is a list. A section
such as `BODY[HEADER.FIELDS (FROM)]<0>` is one atom.
"""

import re

from fetcher.imap.wire import Answer

Token = str | bytes | None | list["Token"]

MAX_DEPTH = 20

_WORD = re.compile(
    rb"""\ *(?:
        (?P<open>\() | (?P<close>\))
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<atom>[^\s()"\[\]]*\[[^\]]*\](?:<\d+(?:\.\d+)?>)? | [^\s()"]+)
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(rb"\\(.)")


def tokens(answer: Answer) -> list[Token]:
    """The words of `answer`, an untagged answer without its leading "* " or with it. Raises ValueError for nonsense."""
    top: list[Token] = []
    stack = [top]
    for place, part in enumerate(answer):
        if place % 2:
            stack[-1].append(part)
            continue
        _take_line(part, stack)
    if len(stack) != 1:
        raise ValueError("unbalanced parentheses")
    return top[1:] if top[:1] == ["*"] else top


def text_of(token: Token) -> str:
    """An atom or a string as text; bytes that are no UTF-8 are replaced. Raises ValueError for NIL and lists."""
    if isinstance(token, bytes):
        return token.decode("utf-8", "replace")
    if isinstance(token, str):
        return token
    raise ValueError("text expected")


def _take_line(line: bytes, stack: list[list[Token]]) -> None:
    at, end = 0, len(line.rstrip(b" "))
    while at < end:
        found = _WORD.match(line, at)
        if found is None:
            raise ValueError("unreadable answer")
        at = found.end()
        opening, closing, quoted, atom = found.groups()
        if atom is not None:
            stack[-1].append(_atom(atom))
        elif opening:
            _open(stack)
        elif closing:
            _close(stack)
        else:
            stack[-1].append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)


def _open(stack: list[list[Token]]) -> None:
    if len(stack) > MAX_DEPTH:
        raise ValueError("lists nested too deep")
    inner: list[Token] = []
    stack[-1].append(inner)
    stack.append(inner)


def _close(stack: list[list[Token]]) -> None:
    if len(stack) == 1:
        raise ValueError("unbalanced parentheses")
    stack.pop()


def _atom(word: bytes) -> str | None:
    return None if word.upper() == b"NIL" else word.decode("utf-8", "replace")
