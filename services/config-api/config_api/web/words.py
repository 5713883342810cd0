"""The codes of the pipeline in an operator's words: outcomes, reasons, repairs, states; and their badges' tone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config_api.web.formatting import day
from pipeline.contracts.connection_test import Category, Weakness
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.mailbox_settings import MailboxSecrets, MailboxSettings
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import MailRepair, Repair
from pipeline.contracts.setting import title_of


@dataclass(frozen=True, slots=True)
class Said:
    """A code as a badge: its text and its tone ("good", "warn", "bad", "accent", "" for plain)."""

    text: str
    tone: str = ""


OUTCOMES = {
    "imported": Said("Imported", "good"),
    "duplicate": Said("Duplicate", "accent"),
    "failed": Said("Failed", "bad"),
    "skipped": Said("Skipped", "warn"),
    "not_a_report": Said("Not a report"),
}
LINE_OUTCOMES = {
    "document": Said("Report found", "good"),
    "stored": Said("Stored", "good"),
    "duplicate": Said("Duplicate", "accent"),
    "refused": Said("Refused", "bad"),
    "ignored": Said("Ignored"),
}
ACTIONS = {"none": "left as it is", "mark_read": "marked read", "move": "moved", "delete": "deleted"}
ACTION_STATES = {
    "none": Said("Nothing to do"),
    "pending": Said("Waiting", "warn"),
    "done": Said("Done", "good"),
    "absent": Said("No longer there"),
    "skipped": Said("Dry run"),
    "failed": Said("Failed", "bad"),
}
MAILBOX_STATES = {
    "ok": Said("Working", "good"),
    "error": Said("Not working", "bad"),
    "paused": Said("Paused", "warn"),
    "never": Said("Waiting for first fetch", "accent"),
}
LIVE_STATES = {
    "waiting": "No fetcher works on it now",
    "connecting": "Connecting to the server",
    "polling": "Fetching now",
    "idle": "Up to date; waiting for new email",
    "sleeping": "Up to date until the next fetch",
    "backing_off": "Waiting before the next attempt",
    "paused": "Not read until it is resumed",
}
OVERDUE = Said("Overdue", "bad")
WEAKNESSES = {
    Weakness.NOT_ENCRYPTED: Said("Not encrypted", "warn"),
    Weakness.CERTIFICATE_NOT_CHECKED: Said("Certificate not checked", "warn"),
}
LEVELS = {
    "debug": Said("Debug"),
    "info": Said("Info", "accent"),
    "warning": Said("Warning", "warn"),
    "error": Said("Error", "bad"),
}
RESULTS = {"pass": Said("Pass", "good"), "fail": Said("Fail", "bad")}
DISPOSITIONS = {
    "none": Said("Delivered"),
    "quarantine": Said("Quarantined", "warn"),
    "reject": Said("Rejected", "bad"),
    "pass": Said("Delivered"),
}
TRIGGERS = {"poll": "on schedule", "idle": "new mail", "manual": "Fetch now", "backfill": "read again"}
STEPS = {
    "extractor": "Opening the email and its attachments",
    "parser": "Reading the report",
    "fetcher": "Marking, moving or deleting the email",
    "recorder": "Writing what happened",
}
KINDS = {"aggregate": "DMARC aggregate", "tls": "SMTP TLS", "failure": "Failure"}
CATEGORIES = {
    Category.OK: Said("OK", "good"),
    Category.AUTHENTICATION: Said("Sign-in refused", "bad"),
    Category.AUTH_EXPIRED: Said("Sign-in expired", "bad"),
    Category.CONNECTIVITY: Said("Server not reached", "bad"),
    Category.TLS: Said("TLS problem", "bad"),
    Category.MAILBOX_NOT_FOUND: Said("Folder not found", "bad"),
    Category.PERMISSIONS: Said("Not permitted", "bad"),
    Category.THROTTLED: Said("Slowed down by the server", "warn"),
    Category.TIMEOUT: Said("No answer in time", "bad"),
    Category.STORE_FULL: Said("Store full", "warn"),
    "internal_error": Said("Error of DMARQ's own", "bad"),
}
POLICY_TAGS = {
    "p": "Policy",
    "sp": "Subdomain policy",
    "np": "Policy for subdomains that do not exist",
    "adkim": "DKIM alignment",
    "aspf": "SPF alignment",
    "pct": "Applied to",
    "fo": "Failure reports",
    "testing": "Testing",
    "discovery_method": "Discovery",
}
ALIGNMENT = {"r": "relaxed", "s": "strict"}
SALVAGED = {
    "org_name": "Reporter",
    "report_id": "Report id",
    "domain": "Domain",
    "begin": "First day",
    "end": "Last day",
    "records": "Complete records",
}
REMEDIES = {  # for a reason: the setting to change, and what that is called
    Reason.ATTACHMENT_TOO_LARGE: ("attachments.max_bytes", "Raise the limit"),
    Reason.FORMAT_NOT_ALLOWED: ("attachments.formats", "Allow the format"),
}
_MOMENTS = frozenset({"begin", "end"})
_EPOCH = re.compile(r"[0-9]{9,10}", re.ASCII)
_REPORT_SUBJECT = re.compile(
    r"\s*Report Domain:\s{0,9}(?P<domain>[^\s;]{1,255})\s{1,9}Submitter:\s{0,9}(?P<submitter>[^\s;]{1,255})\s",
    re.IGNORECASE,
)
ROLES = {
    "viewer": "Viewer: sees reports and what was done with them",
    "operator": "Operator: also fetches, pauses, retries and tests",
    "admin": "Admin: also changes settings, users and tokens",
}
SCOPES = {
    "read": "Read: reports, emails, logs",
    "operate": "Operate: also fetch, pause, retry",
    "admin": "Admin: also settings, users and tokens",
}


def plain(code: str) -> str:
    """A code as words: "no_report_found" and "text-cut" become "no report found", "text cut"."""
    return code.replace("_", " ").replace("-", " ")


def reason(code: str | None) -> str:
    """What a reason code means, as a sentence without its full stop."""
    if not code:
        return ""
    try:
        text = Reason(code).text
    except ValueError:
        return plain(code)
    return text[:1].upper() + text[1:]


def said(table: dict[str, Said], code: str | None) -> Said:
    """The badge of a code; an unknown code is shown as it is."""
    return table.get(code or "", Said(plain(code or "–")))


def subject(text: str | None) -> str:
    """A subject line; that of a report (RFC 7489, section 7.2.1.1) in short: "mail.example about x.example"."""
    found = _REPORT_SUBJECT.match(text or "")
    return f"{found['submitter']} about {found['domain']}" if found else text or "(no subject)"


def salvaged(name: str, value: str) -> tuple[str, Any]:
    """What could still be seen of a refused document, with its name; a period's ends as days."""
    shown = day(datetime.fromtimestamp(int(value), UTC)) if name in _MOMENTS and _EPOCH.fullmatch(value) else value
    return SALVAGED.get(name, plain(name).capitalize()), shown


def repair(code: str) -> str:
    """What was repaired, as a sentence without its full stop."""
    for vocabulary in (Repair, MailRepair):
        if code in set(vocabulary):
            text = vocabulary(code).text
            return text[:1].upper() + text[1:]
    return plain(code).capitalize()


def mail_outcome(mail: Any) -> Said:
    """How an email ended, as a badge; one that was skipped is told apart from those that are no report."""
    return said(OUTCOMES, "skipped" if is_skipped(mail) else mail.outcome)


def mail_reason(mail: Any) -> str:
    """Why it ended so, as a sentence without its full stop."""
    if is_skipped(mail):
        return f"{mail.detail.upper() or 'Its format'} is switched off"
    return reason(mail.reason)


def is_skipped(mail: Any) -> bool:
    """Whether a format that is switched off kept an email from being read."""
    return bool(mail.outcome == Outcome.NOT_A_REPORT and mail.reason == Reason.FORMAT_NOT_ALLOWED)


def level_choices() -> list[tuple[str, str]]:
    """The levels for a select: each holds those that matter more, so the first holds all."""
    first, *others = LEVELS
    return [(first, "All levels"), *((code, f"{LEVELS[code].text} and above") for code in others)]


def field_name(path: str) -> str:
    """A field of the settings form by its path in the API."""
    return title_of(path, MailboxSettings, MailboxSecrets)
