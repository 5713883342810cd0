"""What a document says: the three kinds of report, as read, normalised and ready to store.

Header models are pydantic (validated once a report). Rows of an aggregate report are plain named tuples: a report may
have two million of them, and each value has already passed through a typed normaliser in the reader.
Where a normalised word differs from what the sender wrote, the raw word is kept beside it (`raw`).
"""

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class ReportKind(StrEnum):
    """Which of the three kinds."""

    AGGREGATE = "aggregate"
    TLS = "tls"
    FAILURE = "failure"


class DkimResult(NamedTuple):
    """One DKIM signature's result, in the reporter's order. `result` is a word of RFC 8601 or "other"."""

    domain: str | None
    selector: str | None
    result: str
    human_result: str | None


class SpfResult(NamedTuple):
    """One SPF check's result. `scope` is "mfrom" or "helo" where the reporter says so."""

    domain: str | None
    scope: str | None
    result: str
    human_result: str | None


class OverrideReason(NamedTuple):
    """Why the disposition differs from the policy (RFC 7489 and RFC 9990 types, else "other")."""

    type: str
    comment: str | None


class Record(NamedTuple):
    """One row of an aggregate report.

    `source_ip` is canonical text (IPv4-mapped IPv6 as IPv4) or None when unreadable; `dkim` and `spf` are the aligned
    results "pass"/"fail"; `raw` maps a field's path ("policy_evaluated/spf") to the word as sent, where it differs.
    """

    source_ip: str | None
    count: int  # type: ignore[assignment]  # hides tuple.count, which no row needs
    disposition: str | None
    dkim: str | None
    spf: str | None
    reasons: tuple[OverrideReason, ...]
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    dkim_results: tuple[DkimResult, ...]
    spf_results: tuple[SpfResult, ...]
    raw: dict[str, str] | None


class Policy(BaseModel):
    """The published policy as the reporter saw it. Unknown words are kept as sent in `raw` and given as None here."""

    model_config = ConfigDict(frozen=True)

    domain: str
    p: str | None = None
    sp: str | None = None
    np: str | None = None
    adkim: str | None = None
    aspf: str | None = None
    pct: int | None = None
    fo: str | None = None
    testing: str | None = None
    discovery_method: str | None = None


class ReportHeader(BaseModel):
    """What every kind of report has. `begin`/`end` are integers, UTC epoch seconds.

    `fingerprint` is a hash over the canonical content (hexadecimal SHA-256): equal for a re-sent report, whatever
    its compression, white space, prefixes or order of elements; different for a correction.
    """

    model_config = ConfigDict(frozen=True)

    kind: ReportKind
    org_name: str
    report_id: str
    domain: str
    begin: int
    end: int
    fingerprint: str
    records: int = Field(ge=0)
    messages: int
    repairs: tuple[str, ...] = ()
    raw: dict[str, str] = Field(default_factory=dict)


class AggregateReport(ReportHeader):
    """A DMARC aggregate report (RFC 7489 appendix C, RFC 9990) without its rows, which are streamed beside it."""

    email: str | None = None
    extra_contact_info: str | None = None
    generator: str | None = None
    version: str | None = None
    namespace: str | None = None
    errors: tuple[str, ...] = ()
    policy: Policy
    extensions: tuple[str, ...] = ()  # names of extension elements that were ignored


class TlsFailure(BaseModel):
    """One failure detail (RFC 8460 section 4.4). Unknown result types are kept as sent."""

    model_config = ConfigDict(frozen=True)

    result_type: str
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_mx_helo: str | None = None
    receiving_ip: str | None = None
    failed_session_count: int = 0
    additional_information: str | None = None
    failure_reason_code: str | None = None


class TlsPolicy(BaseModel):
    """One policy with its session counts (RFC 8460 section 4.2)."""

    model_config = ConfigDict(frozen=True)

    policy_type: str
    policy_domain: str | None = None
    policy_strings: tuple[str, ...] = ()
    mx_hosts: tuple[str, ...] = ()
    successful_sessions: int = 0
    failed_sessions: int = 0
    failures: tuple[TlsFailure, ...] = ()


class TlsReport(ReportHeader):
    """An SMTP TLS report (RFC 8460). `records` counts policies; `messages` counts sessions, good and failed."""

    contact_info: str | None = None
    policies: tuple[TlsPolicy, ...] = ()


class FailureReport(ReportHeader):
    """A failure report (ARF: RFC 5965, RFC 6591, RFC 9991) or a notice without a feedback part.

    org_name is the User-Agent (or the sender's domain), begin = end = Arrival-Date, records is 1, messages is
    Incidents. `sample` is the reported mail as the redaction setting left it (headers only by default).
    """

    feedback_type: str
    user_agent: str | None = None
    feedback_version: str | None = None
    original_mail_from: str | None = None
    original_rcpt_to: tuple[str, ...] = ()
    arrival_date: str | None = None
    reporting_mta: str | None = None
    source_ip: str | None = None
    source_port: int | None = None
    incidents: int = 1
    authentication_results: tuple[str, ...] = ()
    reported_domains: tuple[str, ...] = ()
    reported_uris: tuple[str, ...] = ()
    auth_failure: str | None = None
    delivery_result: str | None = None
    identity_alignment: str | None = None
    dkim_domain: str | None = None
    dkim_identity: str | None = None
    dkim_selector: str | None = None
    spf_dns: str | None = None
    sample: str | None = None
    sample_message_id: str | None = None
    sample_from: str | None = None
    sample_subject: str | None = None


Report = AggregateReport | TlsReport | FailureReport
