"""The identity of a report: who says it, under which id, about which domain and period; and the fingerprint of its
content."""

import json
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from parser.kinds.notes import Notes
from parser.kinds.reading import Hints
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import Record, ReportHeader


def identity_of(report: ReportHeader) -> bytes:
    """SHA-256 over (kind, org_name, report_id, domain, begin, end): equal for a report and its corrections."""
    key = [report.kind.value, report.org_name, report.report_id, report.domain, report.begin, report.end]
    return sha256(json.dumps(key).encode()).digest()


def sender_name(hints: Hints, *, contact: str | None, notes: Notes) -> str:
    """The file name's receiver, else the From domain, else the contact's domain, else ""; each of them is noted."""
    contact_domain = (contact or "").rpartition("@")[2].strip("<> ")
    for name, repair in (
        (hints.receiver, Repair.ORG_FROM_FILE_NAME),
        (hints.from_domain, Repair.ORG_FROM_MAIL),
        (contact_domain, Repair.ORG_FROM_CONTACT),
    ):
        text = notes.text(name)
        if text:
            notes.add(repair)
            return text
    notes.add(Repair.MISSING_ORG_NAME)
    return ""


class Fingerprint:
    """A running SHA-256 over canonical values, not bytes.

    White space, prefixes, compression and the order of elements are gone by the time values come here.
    """

    def __init__(self) -> None:
        self._hash = sha256()

    def add_row(self, row: Record) -> None:
        """Take in the next row; as plain tuples, which are encoded much faster than named ones.

        That a word was missing (its raw text is empty) makes no other content than the word that was filled in.
        """
        _, _, _, _, _, reasons, header_from, envelope_from, envelope_to, dkim, spf, raw = row
        raw = {path: text for path, text in raw.items() if text} or None if raw else None
        results = (tuple(map(tuple, reasons)), tuple(map(tuple, dkim)), tuple(map(tuple, spf)))
        self._hash.update(to_json((row[:5], header_from, envelope_from, envelope_to, results, raw)))

    def add(self, *values: Any) -> None:
        """Take in other values: anything that has a JSON form, pydantic models included."""
        self._hash.update(to_json(values))

    def hexdigest(self) -> str:
        """64 lower-case hexadecimal digits."""
        return self._hash.hexdigest()
