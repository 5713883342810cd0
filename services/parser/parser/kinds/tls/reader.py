"""An SMTP TLS report (RFC 8460), from JSON to a report."""

from typing import Any

from parser.kinds import values
from parser.kinds.domains import noted_domain
from parser.kinds.identity import Fingerprint, sender_name
from parser.kinds.notes import Notes
from parser.kinds.reading import Hints, Reading, Terms
from parser.kinds.tls.json_text import Tree, parse_tree
from parser.kinds.tls.policies import PolicyReader
from pipeline.contracts.limits import MiB
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import ReportKind, TlsPolicy, TlsReport
from pipeline.errors import Rejected
from pipeline.mailformat.inflate import inflate_whole

MAX_TLS_BYTES = 16 * MiB  # JSON is read whole; the largest real report seen has some kilobytes
MAX_ITEMS = 30_000  # policies and failure details; each takes a kilobyte of memory
_OWN_KEYS = frozenset({"organization-name", "report-id", "policies", "date-range"})


def read_tls(document: bytes, terms: Terms) -> Reading:
    """The report in `document` (gzip). Raises Rejected.

    The report's domain is the policy domain; where it speaks of several, all of them, separated by commas.
    """
    limits, hints = terms.limits, terms.hints
    notes = Notes(max_text_bytes=limits.max_text_bytes)
    tree = parse_tree(inflate_whole(document, limits=limits, max_bytes=MAX_TLS_BYTES), notes=notes)
    if len(_OWN_KEYS & tree.keys()) < 2:
        raise Rejected(Reason.NO_REPORT_CONTENT, "JSON, but no TLS report")
    reader = PolicyReader(notes, max_items=min(MAX_ITEMS, limits.max_records))
    policies = reader.read(tree.get("policies"))
    begin, end = _period(tree.get("date-range"), reader.raw, notes)
    report_id = _report_id(reader.text(tree.get("report-id")), notes)
    contact = reader.text(tree.get("contact-info"))
    if contact is None:
        notes.add(Repair.MISSING_CONTACT)
    org_name = reader.text(tree.get("organization-name")) or sender_name(hints, contact=contact, notes=notes)
    if "rebuilt-from" in tree:
        notes.add(Repair.REBUILT)  # by `dmarq import`
    fingerprint = Fingerprint()
    fingerprint.add(report_id, begin, end, policies)
    report = TlsReport(
        kind=ReportKind.TLS,
        org_name=org_name,
        report_id=report_id,
        domain=_domains(policies, hints, notes),
        begin=begin,
        end=end,
        fingerprint=fingerprint.hexdigest(),
        records=len(policies),
        messages=_sessions(policies),
        repairs=notes.names(),
        raw=reader.raw,
        contact_info=contact,
        policies=policies,
    )
    return Reading(report, changes=tuple(notes.changes))


def _report_id(text: str | None, notes: Notes) -> str:
    report_id = notes.bounded(values.report_id(text or ""), raw=text or "")
    if not report_id:
        raise Rejected(Reason.MISSING_REPORT_ID)
    return report_id


def _period(date_range: Any, raw: dict[str, str], notes: Notes) -> tuple[int, int]:
    if not isinstance(date_range, dict):
        raise Rejected(Reason.MISSING_PERIOD)
    begin = _moment("start-datetime", date_range, raw, notes)
    end = _moment("end-datetime", date_range, raw, notes)
    if not values.is_possible_period(begin=begin, end=end):
        raise Rejected(Reason.BAD_PERIOD, values.period_text(begin=begin, end=end))
    return begin, end


def _moment(name: str, date_range: Tree, raw: dict[str, str], notes: Notes) -> int:
    value = date_range.get(name)
    if value is None or value == "":
        raise Rejected(Reason.MISSING_PERIOD, f"no {name}")
    text = str(value)[:100] if isinstance(value, (str, int, float)) else ""
    moment = values.iso_epoch(text) if values.is_rfc3339(text) else None
    if moment is not None:
        return moment
    moment = values.epoch(text)[0]
    if moment is None:
        raise Rejected(Reason.BAD_PERIOD, f"the {name} cannot be read: {values.plain(text)}")
    notes.change(Repair.DATE_FORMAT, where=f"date-range/{name}", sent=text, given=moment)
    raw[f"date-range/{name}"] = notes.text(text) or ""
    return moment


def _domains(policies: tuple[TlsPolicy, ...], hints: Hints, notes: Notes) -> str:
    distinct = dict.fromkeys(policy.policy_domain for policy in policies if policy.policy_domain)
    if distinct:
        return notes.bounded(",".join(distinct), raw="")
    return noted_domain(hints.policy_domain, notes, where="file name") or ""


def _sessions(policies: tuple[TlsPolicy, ...]) -> int:
    total = sum(policy.successful_sessions + policy.failed_sessions for policy in policies)
    if abs(total) > values.MAX_BIGINT:
        raise Rejected(Reason.BAD_VALUE, "the sum of the sessions")
    return total
