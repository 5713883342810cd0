"""The words of an IMAP answer (RFC 3501 section 9): atoms, strings, NIL and lists, as nested Python values.

An atom is `str`, a quoted string or a literal is `bytes`, NIL is None, a parenthesised list is a list. A section
such as `BODY[HEADER.FIELDS (FROM)]<0>` is one atom. The scanner looks at every byte once.
"""

import re

from pipeline.contracts.limits import KiB

Answer = tuple[bytes, ...]
"""A line, or line, literal, line ...: the odd places are literals. Line breaks and announcements are kept out of it."""

Token = str | bytes | None | list["Token"]

MAX_DEPTH = 20
MAX_DIGITS = 18  # what the database holds as a number has a bit more
MAX_TOKENS = 10_000
MAX_LINE_BYTES = 64 * KiB

_END_OF_ATOM = re.compile(rb'[\s()"\[]')
_END_OF_WORD = re.compile(rb'[\s()"]')
_QUOTE_OR_ESCAPE = re.compile(rb'["\\]')
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def tokens(answer: Answer) -> list[Token]:
    """The words of `answer`, an untagged answer without its leading "* " or with it. Raises ValueError for nonsense."""
    top: list[Token] = []
    stack = [top]
    left = MAX_TOKENS
    for place, part in enumerate(answer):
        if place % 2:
            stack[-1].append(part)
        else:
            left = _take_line(part, stack, left)
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


def number(digits: bytes) -> int:
    """Digits as a number, 0 for anything else. A server may say anything, in any length."""
    return int(digits) if digits.isdigit() and len(digits) <= MAX_DIGITS else 0


def kind_of(answer: Answer) -> bytes:
    """b"FETCH" for b"* 7 FETCH (...)", b"OK" for b"* OK ..."; b"" for a bare b"* "."""
    words = answer[0].split(b" ", 3)
    numbered = len(words) > 2 and words[1].isdigit()
    return words[2 if numbered else 1].upper()


def quoted(line: bytes, at: int) -> tuple[bytes, int]:
    """The quoted string that opens at `at`, and where the line goes on. Raises ValueError when it is not closed."""
    place = at + 1
    while (found := _QUOTE_OR_ESCAPE.search(line, place)) is not None:
        if found[0] == b'"':
            return unescaped(line[at + 1 : found.start()]), found.end()
        place = found.end() + 1
    raise ValueError("unreadable answer: a quote is not closed")


def unescaped(inside: bytes) -> bytes:
    """What a quoted string means, without the backslashes before quotes and backslashes."""
    return _ESCAPED.sub(rb"\1", inside) if b"\\" in inside else inside


def _take_line(line: bytes, stack: list[list[Token]], left: int) -> int:
    """Adds the line's words; gives how many more there may be."""
    at, end = 0, len(line)
    if end > MAX_LINE_BYTES:
        raise ValueError(f"a line over {MAX_LINE_BYTES} bytes")
    while at < end:
        left -= 1
        if left < 0:
            raise ValueError(f"over {MAX_TOKENS} words in one answer")
        at = _take_word(line, at, stack)
    return left


def _take_word(line: bytes, at: int, stack: list[list[Token]]) -> int:
    match line[at : at + 1]:
        case b"(":
            _open(stack)
        case b")":
            _close(stack)
        case b'"':
            text, at = quoted(line, at)
            stack[-1].append(text)
            return at
        case char if not char.isspace():
            end = _atom_end(line, at)
            stack[-1].append(_atom(line[at:end]))
            return end
    return at + 1


def _atom_end(line: bytes, at: int) -> int:
    while (found := _END_OF_ATOM.search(line, at)) is not None:
        if found[0] != b"[":
            return found.start()
        closed = line.find(b"]", found.end())
        if closed < 0:
            rest = _END_OF_WORD.search(line, found.end())
            return rest.start() if rest else len(line)
        at = closed + 1
    return len(line)


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
