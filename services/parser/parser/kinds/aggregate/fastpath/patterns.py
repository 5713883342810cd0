"""Records of a known shape as they stand in the text, matched as a whole: the fastest way, for it needs no tree.

A pattern is a shape written out as a regular expression: the same tags in the same order, nothing but white space
between them, and texts that mean what is written there (ASCII without mark-up, references or control characters).
Whatever looks otherwise does not match, and goes the way through the tree.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import count
from typing import Final, NamedTuple

from lxml import etree

START: Final = "<record>"
END: Final = "</record>"
MAX_RECORD: Final = 16 * 1024  # characters; a longer one goes the other way
WORTH_IT: Final = 16  # records of a shape that come before its pattern is made, which takes as long as reading hundreds

_SPACE: Final = "[ \\t\\r\\n]*+"
_TEXT: Final = "[\\t\\n -%'-;=?-~]*+"
_LOCAL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,60}")
_between_tags: Final = re.compile(">[^<]*+<").split

Tags = tuple[str, ...]  # as written, without their brackets, in the text's order: starts and ends


class Found(NamedTuple):
    """A record in a text, the wanted ones of its texts in order, and where what comes after it begins."""

    pattern: "Pattern"
    texts: tuple[str | None, ...]
    end: int


class Pattern:
    """One shape in the text; `tags` are those of its records."""

    def __init__(self, record: etree._Element, *, wanted: Sequence[int]) -> None:
        """`wanted` are the positions of the texts that it gives, counted as `record.iter()` does."""
        self.wanted = wanted
        self.tags: Tags = tuple(_tags(record))
        self._source = _source(record, wanted, count()) + _SPACE
        self._came = 0

    @cached_property
    def _match(self) -> Callable[[str, int], re.Match[str] | None]:
        return re.compile(self._source).match

    def at(self, text: str, position: int) -> Found | None:
        """The record that begins there, if it is of this shape, of which enough have come."""
        if self._came < WORTH_IT:
            self._came += 1
            return None
        found = self._match(text, position)
        return None if found is None else Found(self, found.groups(), found.end())


class Patterns:
    """Patterns by the tags of their records. Safe in several threads, for what is lost is found again."""

    def __init__(self) -> None:
        self._by_tags: dict[Tags, Pattern] = {}
        self._last: Pattern | None = None

    def learn(self, record: etree._Element, *, wanted: Sequence[int]) -> Pattern | None:
        """The pattern of a record's shape, from now on looked for.

        None where the text alone would not tell the shape (tags in several namespaces, or of unusual names, or that are
        known for other texts), and where a wanted text stands before other elements.
        """
        elements = list(record.iter())
        names = [etree.QName(element) for element in elements]
        if len({name.namespace for name in names}) > 1 or not all(_LOCAL.fullmatch(name.localname) for name in names):
            return None
        if any(len(elements[position]) for position in wanted):
            return None
        fresh = Pattern(record, wanted=wanted)
        pattern = self._by_tags.setdefault(fresh.tags, fresh)
        return pattern if pattern.wanted == wanted else None

    def forget(self) -> None:
        """Look for none of them any more."""
        self._by_tags.clear()
        self._last = None

    def at(self, text: str, position: int) -> Found | None:
        """The record that begins there, if it is of a known shape. Most are as the one before was."""
        last = self._last
        found = None if last is None else last.at(text, position)
        if found is not None:
            return found
        end = text.find(END, position, position + MAX_RECORD)
        pattern = None if end < 0 else self._by_tags.get(tags_of(text[position : end + len(END)]))
        if pattern is None:
            return None
        self._last = pattern
        return pattern.at(text, position)


def tags_of(record: str) -> Tags:
    """The tags of a record in the text, an empty one as its start and its end."""
    tags = _between_tags(record[1:-1])
    if "/>" not in record:
        return tuple(tags)
    return tuple(part for tag in tags for part in ((tag[:-1], "/" + tag[:-1]) if tag.endswith("/") else (tag,)))


def _tags(element: etree._Element) -> Iterator[str]:
    name = etree.QName(element).localname
    yield name
    for child in element:
        yield from _tags(child)
    yield "/" + name


def _source(element: etree._Element, wanted: Sequence[int], positions: Iterator[int]) -> str:
    position = next(positions)
    name = re.escape(etree.QName(element).localname)
    if len(element):
        children = _SPACE.join(_source(child, wanted, positions) for child in element)
        return f"<{name}>{_SPACE}{children}{_SPACE}</{name}>"
    text = f"({_TEXT})" if position in wanted else _TEXT
    return f"<{name}(?:>{text}</{name}>|/>)"
