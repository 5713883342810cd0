"""What is asked of domains, and the rows of the answers."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from config_api.web.absence import Maybe
from config_api.web.shapes import Count, Filter, Row, Text
from pipeline.contracts.domain_dns import DnsRecord
from pipeline.sources.judge import Verdict
from pipeline.sources.readiness import Policy
from pipeline.sources.spoofing import Spoofing


class DomainFilter(Filter):
    """Which domains."""

    q: Maybe[Text] = Field(None, description="A text in the domain.")


class VerdictSums(Row):
    """The sources of one verdict."""

    verdict: Verdict
    sources: Count
    messages: Count
    failed: Count


class DomainRow(Row):
    """A domain with its window: the 30 days that end with `last_day`, the last one reports speak of."""

    domain: str
    first_day: date
    last_day: date
    reports: Count
    messages: Count
    passed: Count
    failed: Count
    quarantined: Count
    rejected: Count
    p: str | None = Field(description="The policy last published.")
    sp: str | None
    np: str | None
    is_testing: bool = Field(description="Whether the policy was a test: t=y, or a pct below 100.")
    verdicts: list[VerdictSums]


class DomainDay(Row):
    """One day; a day without reports is not in the list. `both`: DKIM and SPF aligned; `neither`: what failed."""

    day: date
    reports: Count
    messages: Count
    passed: Count
    dkim: Count
    spf: Count
    both: Count
    neither: Count
    quarantined: Count
    rejected: Count


class PolicySeen(Row):
    """A policy as reporters saw it."""

    p: str | None
    sp: str | None
    np: str | None
    adkim: str | None
    aspf: str | None
    pct: int | None
    fo: str | None
    testing: str | None
    first_seen: datetime
    last_seen: datetime
    reports: Count


class Reporter(Row):
    """Who reported on the domain."""

    org_name: str
    reports: Count
    messages: Count
    passed: Count
    last_end: datetime


class NameSeen(Row):
    """A name used for the domain's mail: a subdomain in From, or a signing domain.

    `passed`: at least once in alignment, or as a valid signature.
    """

    name: str
    selector: str = ""
    passed: bool
    addresses: Count
    first_day: date
    last_day: date


class TlsDay(Row):
    """TLS sessions to the domain on one day."""

    day: date
    successful: Count
    failed: Count


class TlsFailureSums(Row):
    """TLS sessions to the domain that failed in one way. `receiver` is the mail server they were for."""

    result_type: str | None
    receiver: str | None
    sessions: Count


class DomainDetail(DomainRow):
    """A domain with all that is known of it; lists are of the days `since` to `until`."""

    since: date
    until: date
    days: list[DomainDay]
    policies: list[PolicySeen]
    reporters: list[Reporter]
    from_domains: list[NameSeen]
    selectors: list[NameSeen]
    tls: list[TlsDay]
    tls_failures: list[TlsFailureSums]
    failure_reports: Count


class DnsPeriod(BaseModel):
    """The records as they were from `first_at` to `last_at`, each with what it means and what to do about it."""

    first_at: datetime
    last_at: datetime
    records: list[DnsRecord]


class DnsAnswer(BaseModel):
    """What DNS says of a domain. `history`: what it said before `latest`, the latest first."""

    domain: str
    asked_at: datetime | None = Field(description="When a fetcher asked last; null: never.")
    problem: str | None = Field(description="Why DNS did not answer then; null where it did.")
    differences: list[str] = Field(description="Where most reports say another DMARC policy than DNS has, in words.")
    latest: DnsPeriod | None
    history: list[DnsPeriod]


class InTheWay(Row):
    """A source or service of yours whose messages would be lost."""

    name: str
    verdict: Verdict
    messages: int
    failed: int
    advice: str
    link: str | None


class TargetRow(Row):
    """A stricter policy. `reasons` say why not yet."""

    policy: Policy
    ready: bool
    reasons: list[str]


class SpoofingRow(Row):
    """Whether somebody spoofs the domain: `kind` by volume and spread, with the numbers it rests on."""

    kind: Spoofing
    messages: int
    addresses: int
    evidence: str
    advice: str


class ReadinessAnswer(BaseModel):
    """Whether the domain may be stricter, with the numbers it rests on. `yours`: messages sent for you."""

    domain: str
    since: date
    until: date
    policy: Policy
    policy_from: str = Field(description="Who says so: dns, or the latest reports.")
    is_testing: bool = Field(description="The policy is published with t=y, or a pct below 100.")
    days: int
    reporters: int
    messages: int
    yours: int
    lost: int
    lost_share: float
    forwarded_lost: int
    spoofed: int
    spoofing: SpoofingRow
    targets: list[TargetRow]
    in_the_way: list[InTheWay]
    first: str = Field(description="What to do first.")
    next_record: str | None = Field(description="What to publish next; null at the end, or where it is too early.")
