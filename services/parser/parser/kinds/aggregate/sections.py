"""The sections of a report (the children of its root), one after the other, whatever the size of the document.

Each section is complete when it is given and gone from memory afterwards. The parser expands no entity, opens no
file and no connection, and keeps libxml2's own bounds (256 levels, 10 MB a text).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypedDict

from lxml import etree

from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected

MAX_SECTION_BYTES = 1024 * 1024
MAX_NAMES = 256  # the standards know 60; libxml2 remembers every name for the life of the process

_NAMES = re.compile(rb"<([A-Za-z_][\w:.\-]*)")
_ATTRIBUTES = re.compile(rb"\s([A-Za-z_][\w:.\-]*)\s*=\s*[\"']")


class _Safety(TypedDict):
    resolve_entities: bool
    load_dtd: bool
    no_network: bool
    huge_tree: bool
    remove_comments: bool
    remove_pis: bool


_SAFE = _Safety(
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


class Damaged(Exception):
    """The document is not well-formed; the text says where."""


class Sections:
    """The root's children, streamed. `root` is there from the first section on."""

    def __init__(self, pieces: Iterable[bytes], *, root_name: str) -> None:
        self._pieces = iter(pieces)
        self._root_name = root_name
        self._names: set[bytes] = set()
        self._tags = 0
        self._attributes = 0
        self.root: etree._Element | None = None

    def __iter__(self) -> Iterator[etree._Element]:
        """Raises Damaged where the document is not well-formed, Rejected where it is hostile."""
        try:
            yield from self._read()
        except etree.XMLSyntaxError as error:
            raise Damaged(str(error.msg)[:200]) from error

    def _read(self) -> Iterator[etree._Element]:
        first, second = next(self._pieces, b""), next(self._pieces, None)
        if second is None:
            return self._at_once(first)
        return self._streamed(chain((first, second), self._pieces))

    def _at_once(self, whole: bytes) -> Iterator[etree._Element]:
        """Most reports come in one piece, and need no events."""
        self._bound_names(whole)
        root = etree.fromstring(whole, etree.XMLParser(**_SAFE))
        self._check_root(root)
        return iter(root)

    def _streamed(self, pieces: Iterable[bytes]) -> Iterator[etree._Element]:
        parser = etree.XMLPullParser(events=("start",), tag="{*}" + self._root_name, **_SAFE)
        open_bytes = 0
        for piece in pieces:
            self._bound_names(piece)
            parser.feed(piece)
            open_bytes += len(piece)
            done = self._finished(parser)
            if done:
                yield from done
                open_bytes = len(piece)
            elif open_bytes > MAX_SECTION_BYTES:
                raise Rejected(Reason.SECTION_TOO_LARGE, f"more than {MAX_SECTION_BYTES} bytes")
        root = parser.close()
        self._check_root(root)
        yield from root

    def _finished(self, parser: etree.XMLPullParser) -> list[etree._Element]:
        """All children but the last, which may not have ended; they are taken out of the tree."""
        for _, element in parser.read_events():
            if etree.iselement(element):
                self._check_root(element)
        root = self.root
        if root is None or len(root) < 2:
            return []
        done = list(root)[:-1]
        del root[: len(done)]
        return done

    def _check_root(self, root: etree._Element) -> None:
        """A DOCTYPE that an unusual encoding hid from the prologue is refused here."""
        if self.root is not None:
            return
        if root.getroottree().docinfo.internalDTD is not None:
            raise Rejected(Reason.DOCTYPE_REFUSED)
        self.root = root

    def _bound_names(self, piece: bytes) -> None:
        """Small documents cannot exceed the bound, so they are spared the search."""
        self._tags += piece.count(b"<")
        self._attributes += piece.count(b"=")
        if self._tags > MAX_NAMES:
            self._names.update(_NAMES.findall(piece))
        if self._attributes > MAX_NAMES:
            self._names.update(_ATTRIBUTES.findall(piece))
        if len(self._names) > MAX_NAMES:
            raise Rejected(Reason.NO_REPORT_CONTENT, f"more than {MAX_NAMES} different names")
