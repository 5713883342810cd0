"""What a sample report says: reporter, domain, period and rows, drawn at random as they are in real mailboxes."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from dmarq.samples.reporters import Reporter
from dmarq.samples.story import SERVERS, SampleRow, policy, told

DOMAINS = ("example.com", "example.net", "example.org", "shop.example", "mail.example")
OTHER_SENDERS = ("newsletter.example", "crm.example", "invoices.example", "spoofed.example")
OLDEST_DAYS = 28
MEDIAN_ROWS = 2.5
SPREAD = 1.4  # of the logarithm: the mean is about 6 rows, one report in a thousand has some hundred
MAX_ROWS = 600


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
