"""What a set of sample mails must add up to in the ledger and the store."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dmarq.samples.mails import SampleMail
from pipeline.contracts.events import Outcome


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
    for mail in mails:
        outcomes[mail.expect_outcome] += 1
        reports += mail.reports
        records += mail.records
        messages += mail.messages
    return Totals(
        mails=outcomes.total(),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        reports=reports,
        records=records,
        messages=messages,
    )
