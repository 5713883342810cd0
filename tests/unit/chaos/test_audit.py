"""The audit finds what is wrong: a check that cannot fail proves nothing."""

from collections.abc import Mapping
from dataclasses import replace

from dmarq.samples import Totals
from pipeline.contracts.mail_events import Outcome
from tests.chaos.audit import Allowance, Evidence, audit
from tests.chaos.ledger import Figures, LedgerMail

NAMES = ("a", "b", "c")


def good() -> Evidence:
    """Two imported mails and a failed one, everything in its place."""
    outcomes: Mapping[Outcome, int] = {o: 0 for o in Outcome} | {Outcome.IMPORTED: 2, Outcome.FAILED: 1}
    ended = ("imported", "imported", "failed")
    return Evidence(
        delivered=NAMES,
        expected=Totals(mails=3, outcomes=outcomes, reports=2, records=5, messages=9),
        ledger=[LedgerMail(name, outcome, "", "done") for name, outcome in zip(NAMES, ended, strict=True)],
        figures=Figures(mails=3, pending=0, reports=2, variants=0, records=5, promised_records=5, messages=9, outbox=0),
        folders={"INBOX": [], "Processed": ["a", "b"], "Failed": ["c"], "Other": []},
        dead_letters=["dead.parser.c"],
        announced=2,
        early=(),
    )


def test_what_is_right_is_clean() -> None:
    assert audit(good()).clean


def test_a_mail_that_is_not_in_the_ledger_is_lost() -> None:
    assert audit(replace(good(), ledger=good().ledger[:2])).lost == ["not in the ledger: c"]


def test_a_mail_that_is_in_the_ledger_twice_is_doubled() -> None:
    twice = replace(good(), ledger=[*good().ledger, good().ledger[0]])
    assert audit(twice).doubled == ["2 times in the ledger: a"]
    assert audit(twice, Allowance(numberings=2)).clean


def test_a_report_too_few_is_lost_and_one_too_many_is_doubled() -> None:
    figures = good().figures
    assert audit(replace(good(), figures=replace(figures, reports=1), announced=1)).lost == ["reports: 1 of 2"]
    assert audit(replace(good(), figures=replace(figures, reports=3), announced=3)).doubled == ["reports: 3, not 2"]


def test_rows_that_no_report_speaks_of_are_doubled() -> None:
    assert audit(replace(good(), figures=replace(good().figures, records=6))).doubled == ["records: 6, not 5"]


def test_a_report_that_nobody_was_told_of_is_lost() -> None:
    assert audit(replace(good(), announced=1)).lost == ["report.stored events: 1 of 2"]


def test_a_mail_that_is_left_in_the_inbox_was_never_acted_on() -> None:
    left = replace(good(), folders={**good().folders, "INBOX": ["a"], "Processed": ["b"]})
    assert audit(left).lost == ["never acted on: a"]


def test_a_mail_that_is_nowhere_is_gone_unless_somebody_removed_it() -> None:
    gone = replace(good(), folders={**good().folders, "Processed": ["b"]})
    assert audit(gone).lost == ["gone from the mailbox: a"]
    assert audit(gone, Allowance(removed=frozenset({"a"}))).clean


def test_a_mail_in_two_folders_is_doubled() -> None:
    both = replace(good(), folders={**good().folders, "Failed": ["c", "a"]})
    assert audit(both).doubled == ["2 times in the mailbox: a"]


def test_a_good_mail_that_failed_is_lost() -> None:
    ledger = [*good().ledger[:1], LedgerMail("b", "failed", "bug", "done"), good().ledger[2]]
    assert audit(replace(good(), ledger=ledger)).lost == ["failed without a fault of its own"]


def test_a_failed_mail_without_a_dead_letter_is_lost() -> None:
    assert audit(replace(good(), dead_letters=[])).lost == ["dead letters: 0 of 1"]


def test_a_mail_that_was_moved_too_early_is_told() -> None:
    assert not audit(replace(good(), early=["a"])).clean
