"""The tags of a damaged report, brought into balance one by one."""

import re

from parser.kinds.aggregate.elements import KNOWN, MISSPELT
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

_TAG = re.compile(r"<(/?)(?:([A-Za-z_][\w.\-]*):)?([A-Za-z_][\w.\-]*)((?:[\s/][^<>]*)?)>")
_CLOSED = re.compile(r"</(?:[\w.\-]+:)?([A-Za-z_][\w.\-]*)\s*>")
_PREFIXES = re.compile(r"""\sxmlns:([\w.\-]+)\s*=\s*["']""")
_ATTRIBUTE = re.compile(r""" (?:([\w.\-]+):)?([\w.\-]+) ?= ?("[^"<]*"|'[^'<]*')""")
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);|#(x[0-9A-Fa-f]{1,6}|[0-9]{1,7});)")
_REFERENCE = re.compile(r"&#(x[0-9A-Fa-f]{1,6}|[0-9]{1,7});")
_LOST_START = re.compile(r"/(?:[\w.\-]+:)?([A-Za-z_][\w.\-]*)\s*>\s*\Z")
_BUILT_IN_PREFIXES = frozenset({"xml", "xmlns"})
_MAX_DEPTH = 200
_MAX_ATTRIBUTES = 4096  # characters in one tag
_RECORD = "record"


class _Open:
    """An element that has begun: its names, and where its start tag stands in the output."""

    __slots__ = ("at", "qualified", "source")

    def __init__(self, qualified: str, *, source: str, at: int) -> None:
        self.qualified = qualified
        self.source = source
        self.at = at

    @property
    def name(self) -> str:
        """The local name."""
        return self.qualified.rpartition(":")[2]


class TagRepairer:
    """Walks through a text once and writes it again with escaped text and balanced tags; `repairs` says what it took.

    A start tag that no report knows and that nothing closes is text ("Support <support>"). The tags that a report
    knows are never invented nor dropped, but for the root's own end tag behind complete records.
    """

    def __init__(self, text: str) -> None:
        self.repairs: set[Repair] = set()
        self._text = text
        self._out: list[str] = []
        self._stack: list[_Open] = []
        self._closed = set(_CLOSED.findall(text))
        self._prefixes = set(_PREFIXES.findall(text)) | _BUILT_IN_PREFIXES
        self._ends: dict[str, int] = {}

    def repair(self) -> str:
        """The whole text, repaired. Raises Rejected where tags that a report knows do not nest."""
        position, size = 0, len(self._text)
        while position < size:
            start = self._text.find("<", position)
            if start < 0:
                start = size
            self._take_text(self._text[position:start])
            position = self._take_markup(start) if start < size else size
        self._close_root()
        return "".join(self._out)

    def _take_text(self, text: str) -> None:
        lost = _LOST_START.search(text[-100:]) if self._stack and ">" in text else None
        if lost is not None and lost.group(1) == self._stack[-1].name:
            self.repairs.add(Repair.BROKEN_END_TAG)
            self._out.append(self._escaped(text[: len(text) - len(lost.group())]))
            self._out.append(f"</{self._stack.pop().qualified}>")
            return
        self._out.append(self._escaped(text))

    def _take_markup(self, start: int) -> int:
        """Deal with what begins with "<" at `start`; the position behind it."""
        for opening, closing in (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>")):
            if self._text.startswith(opening, start):
                end = self._find(closing, start + len(opening))
                if end < 0:
                    break
                if opening == "<![CDATA[":
                    self._out.append(_plain(self._text[start + len(opening) : end]))
                return end + len(closing)
        tag = _TAG.match(self._text, start)
        if tag is None:
            return self._stray(start)
        slash, prefix, name, attributes = tag.groups()
        empty = attributes.endswith("/")
        known = self._is_known(name)
        if slash:
            self._end(name, tag.group(), known=known)
        elif not known and not empty and name not in self._closed:
            self._text_instead(tag.group())
        else:
            self._start(
                self._qualified(prefix, name), tag.group(), self._attributes(attributes.rstrip("/")), empty=empty
            )
        return tag.end()

    def _find(self, closing: str, start: int) -> int:
        """As str.find; that a thing does not come any more is remembered, so that no text takes quadratic time."""
        if self._ends.get(closing, 0) < 0:
            return -1
        self._ends[closing] = self._text.find(closing, start)
        return self._ends[closing]

    def _stray(self, start: int) -> int:
        self.repairs.add(Repair.STRAY_MARKUP)
        self._out.append("&lt;")
        return start + 1

    def _text_instead(self, source: str) -> None:
        self.repairs.add(Repair.STRAY_MARKUP)
        self._out.append(_plain(source))

    def _start(self, qualified: str, source: str, attributes: str, *, empty: bool) -> None:
        if empty:
            self._out.append(f"<{qualified}{attributes}/>")
            return
        if len(self._stack) >= _MAX_DEPTH:
            raise Rejected(Reason.NOT_WELL_FORMED, "elements are nested too deeply")
        self._stack.append(_Open(qualified, source=source, at=len(self._out)))
        self._out.append(f"<{qualified}{attributes}>")

    def _end(self, name: str, source: str, *, known: bool) -> None:
        while self._stack and self._stack[-1].name != name and not self._is_known(self._stack[-1].name):
            stray = self._stack.pop()
            self.repairs.add(Repair.STRAY_MARKUP)
            self._out[stray.at] = _plain(stray.source)
        if self._stack and self._stack[-1].name == name:
            self._out.append(f"</{self._stack.pop().qualified}>")
            return
        if known:
            raise Rejected(Reason.NOT_WELL_FORMED, f"the end of {name} does not match a start")
        self._text_instead(source)

    def _close_root(self) -> None:
        if not self._stack:
            return
        last = next((piece for piece in reversed(self._out) if piece.strip()), "")
        if len(self._stack) == 1 and last.startswith("</") and last.rstrip(">").endswith(_RECORD):
            self.repairs.add(Repair.MISSING_ROOT_END)
            self._out.append(f"</{self._stack.pop().qualified}>")
            return
        lost = any(opened.name == _RECORD for opened in self._stack) or len(self._stack) == 1
        raise Rejected(Reason.RECORDS_LOST if lost else Reason.NOT_WELL_FORMED, "the document is cut off")

    def _qualified(self, prefix: str | None, name: str) -> str:
        if prefix is None or prefix in self._prefixes:
            return name if prefix is None else f"{prefix}:{name}"
        self.repairs.add(Repair.UNDECLARED_PREFIX)
        return name

    def _attributes(self, text: str) -> str:
        if not text:
            return ""
        kept: dict[str, str] = {}
        spaced = " " + " ".join(text[:_MAX_ATTRIBUTES].split())
        for prefix, name, value in _ATTRIBUTE.findall(spaced):
            if not prefix or prefix in self._prefixes:
                kept.setdefault(f"{prefix}:{name}" if prefix else name, self._escaped(value))
            else:
                self.repairs.add(Repair.UNDECLARED_PREFIX)
        if len(text) > _MAX_ATTRIBUTES or _ATTRIBUTE.sub("", spaced).strip():
            self.repairs.add(Repair.BROKEN_ATTRIBUTES)
        return "".join(f" {name}={value}" for name, value in kept.items())

    def _escaped(self, text: str) -> str:
        """The text with every & that begins no reference escaped, and references to forbidden characters removed."""
        if "&" not in text and "]]>" not in text:
            return text
        repaired = _AMPERSAND.sub("&amp;", text.replace("]]>", "]]&gt;"))
        if repaired != text:
            self.repairs.add(Repair.STRAY_MARKUP)
        allowed = _REFERENCE.sub(lambda found: found.group() if _is_allowed(found.group(1)) else "", repaired)
        if allowed != repaired:
            self.repairs.add(Repair.CONTROL_CHARACTERS)
        return allowed

    @staticmethod
    def _is_known(name: str) -> bool:
        folded = name.lower()
        return folded in KNOWN or folded in MISSPELT


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_allowed(reference: str) -> bool:
    """Whether XML 1.0 (section 2.2) allows the character that a reference names."""
    code = int(reference[1:], 16) if reference.startswith("x") else int(reference)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
