"""The children of an element, by name: the first of a kind counts, extensions stand back.

Where a report says twice who it is, which address or how many, and says two different things, it is refused.
"""

from collections.abc import Callable

from lxml import etree

from parser.kinds.notes import Notes
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected

Tag = str | Callable[..., object]  # lxml gives a function as the tag of what is no element

KNOWN = frozenset(
    {
        "feedback",
        "version",
        "report_metadata",
        "org_name",
        "email",
        "extra_contact_info",
        "report_id",
        "date_range",
        "begin",
        "end",
        "error",
        "generator",
        "policy_published",
        "domain",
        "p",
        "sp",
        "np",
        "adkim",
        "aspf",
        "pct",
        "fo",
        "testing",
        "discovery_method",
        "extension",
        "record",
        "row",
        "source_ip",
        "count",
        "policy_evaluated",
        "disposition",
        "dkim",
        "spf",
        "reason",
        "type",
        "comment",
        "identifiers",
        "header_from",
        "envelope_from",
        "envelope_to",
        "auth_results",
        "selector",
        "result",
        "human_result",
        "scope",
    }
)
MISSPELT = {"identities": "identifiers"}

_JOINED = {name.replace("_", ""): name for name in KNOWN}
_OWN_NAMESPACES = ("dmarc-xml", "ns:dmarc-2.0")
_UNNAMED = ""
_AS_WRITTEN: dict[Tag, str] = {name: name for name in KNOWN}


class Names(dict[Tag, str]):
    """From an element's tag to its name. Each tag is worked out once; what is no element at all has the name "".

    `has_unknown` turns true with the first name that no report knows; until then nobody need look for extensions.
    """

    def __init__(self, notes: Notes) -> None:
        super().__init__(_AS_WRITTEN)
        self._notes = notes
        self.has_unknown = False

    def __missing__(self, tag: Tag) -> str:
        name = self[tag] = self._name(tag.rpartition("}")[2]) if isinstance(tag, str) else _UNNAMED
        return name

    def _name(self, local: str) -> str:
        if local in KNOWN:
            return local
        folded = local.lower()
        if folded in MISSPELT:
            self._notes.add(Repair.MISSPELT_ELEMENT)
            return MISSPELT[folded]
        known = _JOINED.get(folded.replace("_", "").replace("-", ""))
        if known is not None:
            self._notes.add(Repair.ELEMENT_NAME_CASE)
            return known
        self.has_unknown = True
        return local


def is_foreign(element: etree._Element, *, root: etree._Element) -> bool:
    """Whether an element belongs to a vendor's extension rather than to the report.

    A report's own elements have the root's namespace, none (RFC 7489's schema is not qualified) or a DMARC one,
    perhaps misspelt.
    """
    namespace = etree.QName(element).namespace
    if namespace is None or namespace == etree.QName(root).namespace:
        return False
    return not any(own in namespace for own in _OWN_NAMESPACES)


# Of these a second one must say the same. A domain is the policy's: those of results are read by `texts`.
DECISIVE = frozenset(
    {
        "org_name",
        "report_id",
        "date_range",
        "begin",
        "end",
        "domain",
        "row",
        "source_ip",
        "count",
        "identifiers",
        "header_from",
    }
)
MAX_EXTENSION_NAMES = 20
_MAX_NAME = 100
_LANG = ("lang", "{http://www.w3.org/XML/1998/namespace}lang")


class Elements:
    """Looks into elements for the readers of header and records; notes what it had to pass over.

    `is_judging`: texts mean what they say, so that two of them may contradict each other.
    """

    def __init__(self, notes: Notes, *, is_judging: bool = True) -> None:
        self.notes = notes
        self._is_judging = is_judging
        self.names = Names(notes)
        self.extensions: dict[str, None] = {}
        self.root: etree._Element | None = None

    def children(self, element: etree._Element) -> dict[str, etree._Element]:
        """The child elements by name; those that may be repeated must be read otherwise."""
        names = self.names
        found: dict[str, etree._Element] = {}
        for child in element:
            name = names[child.tag]
            if name in found:
                self._repeated(found, name, child)
            else:
                found[name] = child
        return found

    def texts(self, element: etree._Element) -> dict[str, str | None]:
        """As `children`, but their texts: for elements whose children are all plain values."""
        names = self.names
        found: dict[str, str | None] = {}
        for child in element:
            name = names[child.tag]
            if name not in found:
                found[name] = child.text
            elif name in KNOWN and not self.is_foreign(child):
                self._note_repeated(name, is_same=_said(child.text) == _said(found[name]))
        return found

    def split(self, element: etree._Element, repeatable: str) -> tuple[dict[str, etree._Element], list[etree._Element]]:
        """As `sections`, and beside it all children of the one name that may be repeated."""
        names = self.names
        found: dict[str, etree._Element] = {}
        several: list[etree._Element] = []
        for child in element:
            name = names[child.tag]
            if name == repeatable:
                several.append(child)
            elif name in found:
                self._repeated(found, name, child)
            else:
                found[name] = child
        self._note_extensions(element, found)
        return found, several

    def sections(self, element: etree._Element) -> dict[str, etree._Element]:
        """As `children`, where extensions may stand too; they are noted by name."""
        found = self.children(element)
        self._note_extensions(element, found)
        return found

    def pass_over(self, parent: etree._Element, name: str) -> None:
        """Note an element that is no part of a report (RFC 9990: an unknown extension is ignored)."""
        if name and len(self.extensions) < MAX_EXTENSION_NAMES:
            self.extensions.setdefault(f"{self.names[parent.tag]}/{name}"[:_MAX_NAME])

    def is_foreign(self, element: etree._Element) -> bool:
        """Whether the element belongs to an extension."""
        return self.root is not None and isinstance(element.tag, str) and is_foreign(element, root=self.root)

    def _note_extensions(self, element: etree._Element, found: dict[str, etree._Element]) -> None:
        if self.names.has_unknown:
            for name in sorted(found.keys() - KNOWN):
                self.pass_over(element, name)

    def _repeated(self, found: dict[str, etree._Element], name: str, child: etree._Element) -> None:
        if name not in KNOWN or self.is_foreign(child):
            return
        if self.is_foreign(found[name]):
            found[name] = child
            return
        self._note_repeated(name, is_same=_content(found[name]) == _content(child))

    def _note_repeated(self, name: str, *, is_same: bool) -> None:
        if name in DECISIVE and self._is_judging and not is_same:
            raise Rejected(Reason.AMBIGUOUS_REPORT, f"two different {name}")
        self.notes.add(Repair.REPEATED_ELEMENT)


def text_of(element: etree._Element | None) -> str:
    """The text of an element, "" where either is missing."""
    return "" if element is None else element.text or ""


def _said(text: str | None) -> str:
    return (text or "").strip()


def _content(element: etree._Element) -> list[tuple[object, str]]:
    return [(child.tag, _said(child.text)) for child in element.iter()]


def language_of(element: etree._Element | None) -> str | None:
    """The language that RFC 9990 lets a free text carry; None where it is English or not said."""
    if element is None or not len(element.attrib):
        return None
    language = next((element.get(name) for name in _LANG if element.get(name)), None)
    return None if language is None or language.lower() == "en" else language[:35]
