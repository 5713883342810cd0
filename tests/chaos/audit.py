"""The audit: every mail in the ledger once, every report once, every mail acted on once. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dmarq.samples import Totals
from pipeline.contracts.mail_events import Outcome
from tests.chaos.ledger import Figures, LedgerMail


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a fault makes right that would be wrong without it.

    `numberings`: under how many UIDVALIDITYs a mail may be in the ledger. `removed`: names of mails that somebody else
    removed. `may_stay`: mails whose command was refused for good may be where they were. `poison`: mails that nobody
    could read, so that the ledger knows them without their names.
    """

    numberings: int = 1
    removed: frozenset[str] = frozenset()
    may_stay: bool = False
    poison: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found when everything was done. `folders`: names of the mails in each folder."""

    delivered: Sequence[str]
    expected: Totals
    ledger: Sequence[LedgerMail]
    figures: Figures
    folders: Mapping[str, Sequence[str]]
    dead_letters: Sequence[str]
    announced: int
    early: Iterable[str]


@dataclass(slots=True)
class Findings:
    """Lines that say what is wrong, by kind; none is right."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.early)

    def compare(self, what: str, found: int, expected: int) -> None:
        """Too few are lost, too many are doubled."""
        if found < expected:
            self.lost += [f"{what}: {found} of {expected}"] * (expected - found)
        if found > expected:
            self.doubled += [f"{what}: {found}, not {expected}"] * (found - expected)


def audit(evidence: Evidence, allowance: Allowance = Allowance()) -> Findings:
    """Judges the evidence."""
    findings = Findings(early=sorted(set(evidence.early) - allowance.poison))
    _ledger(evidence, allowance, findings)
    _store(evidence, allowance, findings)
    _mailbox(evidence, allowance, findings)
    _dead(evidence, allowance, findings)
    return findings


def _ledger(evidence: Evidence, allowance: Allowance, findings: Findings) -> None:
    rows = Counter(mail.name for mail in evidence.ledger)
    nameless = Counter(mail.reason for mail in evidence.ledger if not mail.name)
    why = f" (without a name there are: {dict(nameless)})" if nameless else ""
    for name in evidence.delivered:
        if not rows[name] and name not in allowance.removed | allowance.poison:
            findings.lost.append(f"not in the ledger: {name}{why}")
        if rows[name] > allowance.numberings:
            findings.doubled.append(f"{rows[name]} times in the ledger: {name}")


def _store(evidence: Evidence, allowance: Allowance, findings: Findings) -> None:
    """Which of a report and its duplicate comes first is nobody's business: they are counted together."""
    figures, expected = evidence.figures, evidence.expected
    if not allowance.removed and not allowance.poison:
        findings.compare("reports", figures.reports - figures.variants, expected.reports)
        findings.compare("messages", figures.messages, expected.messages)
    findings.doubled += ["a variant of a report"] * figures.variants
    findings.compare("records", figures.records, figures.promised_records)
    findings.compare("report.stored events", evidence.announced, figures.reports)
    if figures.outbox:
        findings.lost += ["still in the outbox"] * figures.outbox
    if allowance.numberings == 1 and not allowance.removed:
        outcomes = Counter(mail.outcome for mail in evidence.ledger if mail.name)
        too_many = outcomes[Outcome.FAILED] - expected.outcomes[Outcome.FAILED]
        findings.lost += ["failed without a fault of its own"] * too_many


def _mailbox(evidence: Evidence, allowance: Allowance, findings: Findings) -> None:
    where = Counter(name for names in evidence.folders.values() for name in names)
    inbox = set(evidence.folders["INBOX"])
    refused = {mail.name for mail in evidence.ledger if mail.action_state == "failed"} if allowance.may_stay else set()
    for name in evidence.delivered:
        if not where[name] and name not in allowance.removed:
            findings.lost.append(f"gone from the mailbox: {name}")
        if where[name] > 1:
            findings.doubled.append(f"{where[name]} times in the mailbox: {name}")
        if name in inbox and name not in refused | allowance.poison:
            findings.lost.append(f"never acted on: {name}")


def _dead(evidence: Evidence, allowance: Allowance, findings: Findings) -> None:
    letters = Counter(evidence.dead_letters)
    findings.doubled += [f"{count} dead letters: {mail_id}" for mail_id, count in letters.items() if count > 1]
    if allowance.numberings == 1 and not allowance.removed:
        expected = evidence.expected.outcomes[Outcome.FAILED] + len(allowance.poison)
        findings.compare("dead letters", len(letters), expected)
