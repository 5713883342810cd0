"""What a sample report says: reporter, domain, period and rows, drawn at random as they are in real mailboxes.

Something happened to each sample domain, so that its pages have something to tell; it changes no sums. example.com went
from p=none to quarantine, and is spoofed since; example.net has a server of its own that fails since its key was
changed; shop.example uses a service that signs with its own domain alone; example.org is often forwarded; mail.example
is in order.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from dmarq.samples.reporters import Reporter

DOMAINS = ("example.com", "example.net", "example.org", "shop.example", "mail.example")
OTHER_SENDERS = ("newsletter.example", "crm.example", "invoices.example", "spoofed.example")
OLDEST_DAYS = 28
MEDIAN_ROWS = 2.5
SPREAD = 1.4  # of the logarithm: the mean is about 6 rows, one report in a thousand has some hundred
MAX_ROWS = 600

SPOOFED, STEPPED, BROKEN, UNSIGNED = "example.com", "example.com", "example.net", "shop.example"
POLICIES = {"example.com": "quarantine", "example.net": "quarantine", "shop.example": "none"}  # of others: reject
STEP_DAYS, WAVE_DAYS, BROKEN_DAYS = 14, 12, 9  # before the last day of the samples
SERVERS = tuple(f"192.0.2.{host}" for host in range(10, 42)) + tuple(f"2001:db8::{host:x}" for host in range(1, 9))
BROKEN_SERVER = "192.0.2.50"
SERVICE = "sendgrid.net"
FORWARDERS = 6
STRANGERS = 254


class SampleRow(NamedTuple):
    """One row: `sent` messages from one address. `dkim` and `spf` are the aligned results.

    `service`: the domain that signed instead, where a service sends in the name of others.
    """

    source_ip: str
    sent: int
    disposition: str
    dkim: bool
    spf: bool
    envelope_from: str
    override: str | None
    service: str | None = None


def policy(domain: str, days_ago: int) -> str:
    """What the domain asked receivers to do."""
    if domain == STEPPED and days_ago > STEP_DAYS:
        return "none"
    return POLICIES.get(domain, "reject")


def told(row: SampleRow, domain: str, days_ago: int) -> SampleRow:
    """The row as the domain's story has it: the same count, perhaps from elsewhere or with other results."""
    place = _place(row.source_ip)
    if row.dkim and row.spf:
        told_row = _own(row, domain, days_ago, place)
    elif row.dkim:
        told_row = row._replace(source_ip=f"198.51.100.{1 + place % FORWARDERS}")
    elif domain == SPOOFED and days_ago <= WAVE_DAYS:
        told_row = row
    else:
        told_row = row if place % 8 == 0 else _passing(row, domain, place)
    is_stopped = not (told_row.dkim or told_row.spf)
    return told_row._replace(disposition=policy(domain, days_ago) if is_stopped else "none")


def _own(row: SampleRow, domain: str, days_ago: int, place: int) -> SampleRow:
    if domain == SPOOFED and days_ago <= WAVE_DAYS and place % 4:
        stranger = f"203.0.113.{1 + (row.sent * 37 + place * 11) % STRANGERS}"
        return row._replace(source_ip=stranger, dkim=False, spf=False, envelope_from="spoofed.example")
    if domain == BROKEN and place % 5 == 0:
        works = days_ago > BROKEN_DAYS
        return row._replace(source_ip=BROKEN_SERVER, dkim=works, spf=works)
    if domain == UNSIGNED and place % 3 == 0:
        envelope = f"u{place}.wl.{SERVICE}"
        address = f"192.0.2.{200 + place % 4}"
        return row._replace(source_ip=address, dkim=False, spf=False, envelope_from=envelope, service=SERVICE)
    return row


def _passing(row: SampleRow, domain: str, place: int) -> SampleRow:
    server = SERVERS[place % len(SERVERS)]
    return row._replace(source_ip=server, dkim=True, spf=True, envelope_from=domain)


def _place(address: str) -> int:
    """The last number of an address."""
    return int(address.rpartition(":")[2], 16) if ":" in address else int(address.rpartition(".")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport:
    """One aggregate report. `begin` and `end` are seconds since 1970, UTC; `received` is when its mail arrived."""

    reporter: Reporter
    serial: int
    report_id: str
    domain: str
    begin: int
    end: int
    received: datetime
    policy: str
    rows: tuple[SampleRow, ...]

    @property
    def sent(self) -> int:
        """The sum of the rows' counts."""
        return sum(row.sent for row in self.rows)

    @property
    def stem(self) -> str:
        """The file name without its ending, as RFC 7489 section 7.2.1.1 wants it."""
        return f"{self.reporter.domain}!{self.domain}!{self.begin}!{self.end}!{self.serial}"


def random_report(rng: Random, *, reporter: Reporter, serial: int, until: date) -> SampleReport:
    """A report of one day of the weeks before `until`. `serial` makes its id unique."""
    domain = rng.choice(DOMAINS)
    days_ago = rng.randint(2, OLDEST_DAYS)
    day = datetime.combine(until - timedelta(days=days_ago), time(), UTC)
    begin = int(day.timestamp())
    return SampleReport(
        reporter=reporter,
        serial=serial,
        report_id=reporter.report_id(serial=serial, salt=rng.getrandbits(32), domain=domain, begin=begin),
        domain=domain,
        begin=begin,
        end=begin + 86_399,
        received=day + timedelta(days=1, seconds=rng.randint(60, 40_000)),
        policy=policy(domain, days_ago),
        rows=tuple(told(_random_row(rng, domain), domain, days_ago) for _ in range(_row_count(rng))),
    )


def _row_count(rng: Random) -> int:
    return max(1, min(MAX_ROWS, round(rng.lognormvariate(math.log(MEDIAN_ROWS), SPREAD))))


def _random_row(rng: Random, domain: str) -> SampleRow:
    """Mostly our own servers that pass; some forwarders that break SPF; some strangers that fail both."""
    luck = rng.random()
    sent = 1 + int(rng.expovariate(0.15))
    if luck < 0.72:
        return SampleRow(rng.choice(SERVERS), sent, "none", True, True, domain, None)
    if luck < 0.86:
        forwarder = f"198.51.100.{rng.randint(1, 254)}"
        return SampleRow(forwarder, sent, "none", True, False, rng.choice(OTHER_SENDERS), "forwarded")
    stranger = f"203.0.113.{rng.randint(1, 254)}"
    return SampleRow(stranger, sent, "reject", False, False, rng.choice(OTHER_SENDERS), None)
