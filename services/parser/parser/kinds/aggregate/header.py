"""The header of an aggregate report: who reports, on which domain's policy, for which period."""

import re
from dataclasses import dataclass

from lxml import etree

from parser.kinds import values
from parser.kinds.aggregate.elements import Elements, language_of, text_of
from parser.kinds.domains import noted_domain
from parser.kinds.identity import sender_name
from parser.kinds.notes import Notes
from parser.kinds.reading import Hints
from parser.kinds.words import ALIGNMENT, DISCOVERY_METHOD, POLICY, TESTING, Vocabulary
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import Policy
from pipeline.errors import Rejected

OF_RECORDS = frozenset({"record", "row", "source_ip"})  # names that no section of a header has
MAX_ERRORS = 100
MAX_PCT = 100
_PERCENT = re.compile(r"\+?([0-9]{1,3})(?:\.0{0,6})?[ ]?%?", re.ASCII)
_POLICY_WORDS: dict[str, Vocabulary] = {
    "p": POLICY,
    "sp": POLICY,
    "np": POLICY,
    "adkim": ALIGNMENT,
    "aspf": ALIGNMENT,
    "testing": TESTING,
    "discovery_method": DISCOVERY_METHOD,
}
_INFORMATIVE = frozenset({"testing", "discovery_method"})  # new in RFC 9990; drafts used other words


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """report_metadata as read; `begin` and `end` in UTC epoch seconds."""

    org_name: str
    report_id: str
    begin: int
    end: int
    email: str | None
    extra_contact_info: str | None
    generator: str | None
    errors: tuple[str, ...]
    raw: dict[str, str]


class HeaderReader:
    """Reads the two sections that identify a report; raises Rejected where one of its names is missing."""

    def __init__(self, elements: Elements, notes: Notes, hints: Hints) -> None:
        self._elements = elements
        self._notes = notes
        self._hints = hints

    def metadata(self, element: etree._Element) -> Metadata:
        """report_metadata (RFC 7489 appendix C; RFC 9990 section 3.1.1)."""
        found, errors = self._elements.split(element, "error")
        _check_no_rows(found)
        raw: dict[str, str] = {}
        begin, end = self._period(found.get("date_range"), raw)
        email = self._notes.trimmed(text_of(found.get("email")))
        if email is None:
            self._notes.add(Repair.MISSING_CONTACT)
        language = language_of(found.get("extra_contact_info"))
        if language is not None:
            raw["report_metadata/extra_contact_info/@lang"] = language
        org_name = self._notes.trimmed(text_of(found.get("org_name")))
        return Metadata(
            org_name=org_name or sender_name(self._hints, contact=email, notes=self._notes),
            report_id=self._report_id(found.get("report_id")),
            begin=begin,
            end=end,
            email=email,
            extra_contact_info=self._notes.text(text_of(found.get("extra_contact_info"))),
            generator=self._notes.text(text_of(found.get("generator"))),
            errors=self._errors(errors),
            raw=raw,
        )

    def policy(self, element: etree._Element, raw: dict[str, str]) -> Policy:
        """policy_published; words that nobody knows are None there and kept in `raw`."""
        found = self._elements.sections(element)
        _check_no_rows(found)
        text = text_of(found.get("domain"))
        self._notes.trimmed(text)
        domain = noted_domain(text, self._notes, where="policy_published/domain")
        if domain is None:
            raise _no_domain(self._notes.text(text))
        if domain != text.strip():
            raw["policy_published/domain"] = self._notes.text(text) or ""
        words = {name: self._policy_word(name, text_of(found[name]), raw) for name in _POLICY_WORDS if name in found}
        if not text_of(found.get("p")).strip():
            self._notes.add(Repair.MISSING_POLICY_WORD)
        return Policy(
            domain=domain,
            pct=self._pct(text_of(found.get("pct")), raw),
            fo=self._notes.text(text_of(found.get("fo"))),
            **words,
        )

    def _errors(self, errors: list[etree._Element]) -> tuple[str, ...]:
        texts = (self._notes.text(text_of(error)) for error in errors[:MAX_ERRORS])
        return tuple(text for text in texts if text)

    def _report_id(self, element: etree._Element | None) -> str:
        text = text_of(element)
        self._notes.trimmed(text)
        report_id = self._notes.bounded(values.report_id(text), raw=text)
        if not report_id:
            raise Rejected(Reason.MISSING_REPORT_ID)
        return report_id

    def _period(self, element: etree._Element | None, raw: dict[str, str]) -> tuple[int, int]:
        if element is None:
            raise Rejected(Reason.MISSING_PERIOD)
        found = self._elements.children(element)
        _check_no_rows(found)
        begin = self._moment("begin", text_of(found.get("begin")), raw)
        end = self._moment("end", text_of(found.get("end")), raw)
        if not values.is_possible_period(begin=begin, end=end):
            raise Rejected(Reason.BAD_PERIOD, values.period_text(begin=begin, end=end))
        return begin, end

    def _moment(self, name: str, text: str, raw: dict[str, str]) -> int:
        if not text.strip():
            raise Rejected(Reason.MISSING_PERIOD, f"no {name}")
        moment, repair = values.epoch(text)
        if moment is None:
            raise Rejected(Reason.BAD_PERIOD, f"the {name} cannot be read: {values.plain(text)[:100]}")
        if repair is not None:
            self._notes.change(repair, where=f"date_range/{name}", sent=text, given=moment)
            raw[f"date_range/{name}"] = self._notes.text(text) or ""
        return moment

    def _policy_word(self, name: str, text: str, raw: dict[str, str]) -> str | None:
        vocabulary = _POLICY_WORDS[name]
        if text in vocabulary.known:
            return text
        if not text.strip():
            return None
        word, repair = vocabulary.read(text)
        if repair is not None:
            raw[f"policy_published/{name}"] = self._notes.text(text) or ""
            if word is not None:
                self._notes.change(repair, where=f"policy_published/{name}", sent=text, given=word)
            elif name not in _INFORMATIVE:
                self._notes.change(Repair.UNKNOWN_POLICY_WORD, where=f"policy_published/{name}", sent=text, given=None)
        return word

    def _pct(self, text: str, raw: dict[str, str]) -> int | None:
        value = text.strip()
        if not value:
            return None
        found = _PERCENT.fullmatch(value)
        pct = None if found is None or int(found[1]) > MAX_PCT else int(found[1])
        if pct is None or str(pct) != value:
            repair = Repair.UNREADABLE_PCT if pct is None else Repair.PCT_FORM
            self._notes.change(repair, where="policy_published/pct", sent=text, given=pct)
            raw["policy_published/pct"] = self._notes.text(text) or ""
        return pct


def _check_no_rows(found: dict[str, etree._Element]) -> None:
    """Raises Rejected where rows stand in the header: read past, they would be lost."""
    if not OF_RECORDS.isdisjoint(found):
        raise Rejected(Reason.RECORDS_LOST, "rows that stand in the header, outside of any record")


def _no_domain(text: str | None) -> Rejected:
    """A policy domain is part of the identity: where it is no domain name, no other is put in its place."""
    if text is None or not text.strip("."):
        return Rejected(Reason.MISSING_DOMAIN)
    return Rejected(Reason.BAD_VALUE, f"the policy domain is no domain name: {text[:100]}")
