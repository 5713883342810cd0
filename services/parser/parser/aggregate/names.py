"""The names of elements: read by local name, without regard to case, in any namespace."""

from collections.abc import Callable

from lxml import etree

from parser.notes import Notes
from parser.repairs import Repair

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
