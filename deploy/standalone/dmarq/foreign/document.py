"""A report document made of what another tool kept, and the XML of an aggregate report that was put together again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

NAMESPACE: Final = "urn:dmarq:rebuilt"
MARK: Final = "rebuilt_from_"  # and the tool: the name of an element of ours, which the report's extensions then have
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2

_METADATA: Final = ("org_name", "email", "extra_contact_info", "report_id")
_POLICY: Final = ("domain", "adkim", "aspf", "p", "sp", "np", "pct", "fo", "testing", "discovery_method")
_IDENTIFIERS: Final = ("envelope_to", "envelope_from", "header_from")
_DKIM: Final = ("domain", "selector", "result", "human_result")
_SPF: Final = ("domain", "scope", "result", "human_result")


class NotRebuilt(Exception):
    """An entry that is no report, or not a whole one; the text says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One report of another tool. Without `data`, `refused` says why it could not be put together again."""

    tool: str
    name: str
    data: bytes = b""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of an aggregate report, by the words of RFC 7489."""

    source_ip: Any
    count: Any
    evaluated: Mapping[str, Any]  # disposition, dkim, spf
    reasons: Iterable[Mapping[str, Any]]  # type, comment
    identifiers: Mapping[str, Any]
    dkim: Iterable[Mapping[str, Any]]
    spf: Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate report: metadata and policy by the names of their elements, `begin` and `end` in epoch seconds."""

    metadata: Mapping[str, Any]
    begin: int
    end: int
    policy: Mapping[str, Any]
    rows: Iterable[Row]


def aggregate_xml(report: Aggregate, *, tool: str) -> bytes:
    """The document, with an element that says that it was put together again, and from what."""
    root = Element("feedback")
    SubElement(root, f"{{{NAMESPACE}}}{MARK}{tool}")
    _put(root, "version", report.metadata.get("version"))
    metadata = SubElement(root, "report_metadata")
    _put_all(metadata, report.metadata, _METADATA)
    period = SubElement(metadata, "date_range")
    _put(period, "begin", report.begin)
    _put(period, "end", report.end)
    for error in report.metadata.get("errors") or ():
        _put(metadata, "error", error)
    _put(metadata, "generator", report.metadata.get("generator"))
    _put_all(SubElement(root, "policy_published"), report.policy, _POLICY)
    for row in report.rows:
        _put_row(SubElement(root, "record"), row)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _put_row(record: Element, source: Row) -> None:
    row = SubElement(record, "row")
    _put(row, "source_ip", source.source_ip)
    _put(row, "count", source.count)
    evaluated = SubElement(row, "policy_evaluated")
    _put_all(evaluated, source.evaluated, ("disposition", "dkim", "spf"))
    for reason in source.reasons:
        _put_all(SubElement(evaluated, "reason"), reason, ("type", "comment"))
    _put_all(SubElement(record, "identifiers"), source.identifiers, _IDENTIFIERS)
    results = SubElement(record, "auth_results")
    for dkim in source.dkim:
        _put_all(SubElement(results, "dkim"), dkim, _DKIM)
    for spf in source.spf:
        _put_all(SubElement(results, "spf"), spf, _SPF)


def _put_all(parent: Element, values: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        _put(parent, name, values.get(name))


def _put(parent: Element, name: str, value: Any) -> None:
    """An element with the value, unless there is none; what XML cannot hold is left out."""
    if value is None or isinstance(value, dict | list):
        return
    SubElement(parent, name).text = _NO_XML.sub("", str(value))
