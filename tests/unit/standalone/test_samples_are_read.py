"""The services' own readers find in the sample mails what the samples expect, and have nothing to repair."""

from typing import NamedTuple

from dmarq.samples import SampleMail, make_mails
from extractor.find import find_in_mail
from extractor.findings import Findings
from parser.kinds.registry import read
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import LineOutcome
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.mailbox import AttachmentRules
from pipeline.contracts.report import Report

MAILS = list(make_mails(200, 4))


class Added(NamedTuple):
    """What one mail adds to the store."""

    outcome: Outcome
    reports: int
    records: int
    messages: int


def found_in(mail: SampleMail) -> Findings:
    return find_in_mail(mail.raw, rules=AttachmentRules(), limits=Limits())


def reports_of(findings: Findings) -> list[Report]:
    reports = []
    for document, blob in zip(findings.documents, findings.blobs, strict=True):
        with read(blob, format=document.format) as reading:
            reports.append(reading.report)
    return reports


def outcome_of(findings: Findings, *, new: int) -> Outcome:
    if new:
        return Outcome.IMPORTED
    if findings.documents:
        return Outcome.DUPLICATE
    refused = any(line.outcome is LineOutcome.REFUSED for line in findings.lines)
    return Outcome.FAILED if refused else Outcome.NOT_A_REPORT


def test_every_mail_adds_what_it_says() -> None:
    stored: set[str] = set()
    for mail in MAILS:
        findings = found_in(mail)
        new = [report for report in reports_of(findings) if report.fingerprint not in stored]
        stored |= {report.fingerprint for report in new}
        records, messages = sum(report.records for report in new), sum(report.messages for report in new)
        added = Added(outcome_of(findings, new=len(new)), len(new), records, messages)

        assert Added(mail.expect_outcome, mail.reports, mail.records, mail.messages) == added


def test_nothing_has_to_be_repaired_or_reworded() -> None:
    for mail in MAILS:
        findings = found_in(mail)

        assert not any(line.repairs for line in findings.lines)
        assert not any(report.repairs or report.raw for report in reports_of(findings))
