"""The stream of sample mails: mostly ordinary reports, with a share of everything else a report mailbox sees. `total`
says what they must add up to in the ledger and the store.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from random import Random

from dmarq.samples.content import SampleReport, random_report
from dmarq.samples.reporters import REPORTERS
from dmarq.samples.wrap import (
    addressed,
    attachment,
    gzip_part,
    gzipped,
    mail,
    multipart,
    random_tls_mail,
    report_mail,
    text,
    zipped,
)
from dmarq.samples.xml import to_xml
from pipeline.contracts.mail_events import Outcome

UNTIL = date(2026, 11, 1)
REMEMBERED = 50
FEWEST_FOR_ALL_KINDS = 20


class SampleKind(StrEnum):
    """What is special about a mail."""

    REPORT = "report"
    TWO_ATTACHMENTS = "two_attachments"
    TWO_IN_A_ZIP = "two_in_a_zip"
    DUPLICATE = "duplicate"  # an earlier report once more, packed differently
    BROKEN = "broken"  # the archive ends in the middle
    NEWSLETTER = "newsletter"
    TLS = "tls"


SHARES = {
    SampleKind.TWO_ATTACHMENTS: 0.01,
    SampleKind.TWO_IN_A_ZIP: 0.01,
    SampleKind.DUPLICATE: 0.02,
    SampleKind.BROKEN: 0.01,
    SampleKind.NEWSLETTER: 0.02,
    SampleKind.TLS: 0.05,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMail:
    """A mail, and what it must add to the store when all mails are imported once.

    `records` are rows (policies of a TLS report), `messages` is the sum of their counts (its sessions).
    """

    kind: SampleKind
    raw: bytes
    received: datetime
    expect_outcome: Outcome
    reports: int
    records: int
    messages: int


def make_mails(n: int, seed: int, *, until: date = UNTIL) -> Iterator[SampleMail]:
    """`n` mails about the four weeks before `until`. From 20 on there is at least one of each kind.

    Of a report and its duplicate one is new to the store, whichever comes first; the totals stay the same.
    """
    rng = Random(seed)  # noqa: S311 (samples, not secrets)
    plan = _plan(n, rng)
    writer = _Writer(rng, until)
    for serial, kind in enumerate(plan, start=1):
        yield writer.write(kind, serial)


def _plan(n: int, rng: Random) -> list[SampleKind]:
    """Which kind each mail is. The first is an ordinary report, so that there is something to duplicate."""
    special = [kind for kind, share in SHARES.items() for _ in range(max(1, int(n * share)))]
    if n < FEWEST_FOR_ALL_KINDS:
        special = []
    rest = [SampleKind.REPORT] * max(0, n - len(special) - 1) + special
    rng.shuffle(rest)
    return [SampleKind.REPORT, *rest][:n]


class _Writer:
    """Writes mails one by one; remembers the last reports for the duplicates."""

    def __init__(self, rng: Random, until: date) -> None:
        self._rng = rng
        self._until = until
        self._weights = [reporter.weight for reporter in REPORTERS]
        self._remembered: deque[SampleReport] = deque(maxlen=REMEMBERED)

    def write(self, kind: SampleKind, serial: int) -> SampleMail:
        match kind:
            case SampleKind.NEWSLETTER:
                return self._newsletter(serial)
            case SampleKind.TLS:
                return self._tls(serial)
            case SampleKind.DUPLICATE:
                return self._duplicate(serial)
            case SampleKind.BROKEN:
                return self._broken(serial)
            case SampleKind.TWO_ATTACHMENTS | SampleKind.TWO_IN_A_ZIP:
                return self._two(kind, serial)
            case SampleKind.REPORT:
                report = self._report(serial)
                self._remembered.append(report)
                return _imported(kind, report_mail(report, serial=serial), report)

    def _report(self, serial: int, *, half: int = 0) -> SampleReport:
        (reporter,) = self._rng.choices(REPORTERS, self._weights)
        return random_report(self._rng, reporter=reporter, serial=2 * serial + half, until=self._until)

    def _two(self, kind: SampleKind, serial: int) -> SampleMail:
        first, second = self._report(serial), self._report(serial, half=1)
        if kind is SampleKind.TWO_ATTACHMENTS:
            entity = multipart("mixed", gzip_part(first), gzip_part(second))
        else:
            files = [(f"{report.stem}.xml", to_xml(report)) for report in (first, second)]
            entity = attachment(zipped(*files), name="reports.zip", content_type="application/zip")
        return _imported(kind, addressed(entity, first, serial=serial), first, second)

    def _duplicate(self, serial: int) -> SampleMail:
        report = self._rng.choice(self._remembered)
        packed = zipped((f"{report.stem}.xml", to_xml(report)))
        entity = multipart("mixed", attachment(packed, name=f"{report.stem}.zip", content_type="application/x-zip"))
        raw = addressed(entity, report, serial=serial)
        return _without_reports(SampleKind.DUPLICATE, raw, report.received, Outcome.DUPLICATE)

    def _broken(self, serial: int) -> SampleMail:
        report = self._report(serial)
        packed = gzipped(to_xml(report))
        entity = attachment(packed[: len(packed) // 2], name=f"{report.stem}.xml.gz", content_type="application/gzip")
        raw = addressed(entity, report, serial=serial)
        return _without_reports(SampleKind.BROKEN, raw, report.received, Outcome.FAILED)

    def _newsletter(self, serial: int) -> SampleMail:
        received = self._report(serial).received
        entity = multipart("alternative", text("Ten tips for better mail."), text("<h1>Ten tips</h1>", subtype="html"))
        raw = mail(entity, sender="news@newsletter.example", subject="Ten tips", received=received, serial=serial)
        return _without_reports(SampleKind.NEWSLETTER, raw, received, Outcome.NOT_A_REPORT)

    def _tls(self, serial: int) -> SampleMail:
        sample = random_tls_mail(self._rng, reporter=self._rng.choice(REPORTERS), serial=serial, until=self._until)
        return SampleMail(
            kind=SampleKind.TLS,
            raw=sample.raw,
            received=sample.received,
            expect_outcome=Outcome.IMPORTED,
            reports=1,
            records=1,
            messages=sample.sessions,
        )


def _imported(kind: SampleKind, raw: bytes, *reports: SampleReport) -> SampleMail:
    return SampleMail(
        kind=kind,
        raw=raw,
        received=reports[0].received,
        expect_outcome=Outcome.IMPORTED,
        reports=len(reports),
        records=sum(len(report.rows) for report in reports),
        messages=sum(report.sent for report in reports),
    )


def _without_reports(kind: SampleKind, raw: bytes, received: datetime, outcome: Outcome) -> SampleMail:
    return SampleMail(kind=kind, raw=raw, received=received, expect_outcome=outcome, reports=0, records=0, messages=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over mails; `outcomes` has every outcome, also those with none."""

    mails: int
    outcomes: Mapping[Outcome, int]
    reports: int
    records: int
    messages: int


def total(mails: Iterable[SampleMail]) -> Totals:
    """Add up what the mails must become."""
    outcomes: Counter[Outcome] = Counter()
    reports = records = messages = 0
    for each in mails:
        outcomes[each.expect_outcome] += 1
        reports += each.reports
        records += each.records
        messages += each.messages
    return Totals(
        mails=outcomes.total(),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        reports=reports,
        records=records,
        messages=messages,
    )
