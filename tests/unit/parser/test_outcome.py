"""The outcome of a mail: a table."""

import pytest

from parser.outcome import PartResult, action_for, conclude
from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.mailbox import Action, Handling, MailAction
from pipeline.contracts.reasons import Reason

STORED, DUPLICATE, REFUSED = LineOutcome.STORED, LineOutcome.DUPLICATE, LineOutcome.REFUSED
IGNORED = LineOutcome.IGNORED
HANDLING = Handling(
    settings_version=1,
    on_processed=MailAction(action=Action.MOVE, folder="Done"),
    on_failed=MailAction(action=Action.MARK_READ),
    on_not_a_report=MailAction(action=Action.DELETE),
)


@pytest.mark.parametrize(
    ("results", "others", "expected"),
    [
        ([STORED], [], Outcome.IMPORTED),
        ([STORED, DUPLICATE, REFUSED], [REFUSED, IGNORED], Outcome.IMPORTED),
        ([DUPLICATE], [], Outcome.DUPLICATE),
        ([DUPLICATE, REFUSED], [REFUSED], Outcome.DUPLICATE),
        ([REFUSED], [IGNORED], Outcome.FAILED),
        ([], [IGNORED, REFUSED], Outcome.FAILED),
        ([], [IGNORED], Outcome.NOT_A_REPORT),
        ([], [], Outcome.NOT_A_REPORT),
    ],
)
def test_the_best_result_of_any_part_decides(
    results: list[LineOutcome], others: list[LineOutcome], expected: Outcome
) -> None:
    documents = {f"d{number}": PartResult(result) for number, result in enumerate(results)}
    lines = [PartLine(path=path, outcome=LineOutcome.DOCUMENT) for path in documents]
    lines += [PartLine(path=f"o{number}", outcome=outcome) for number, outcome in enumerate(others)]

    conclusion = conclude(lines, documents, HANDLING)

    assert conclusion.outcome is expected
    assert [line.outcome for line in conclusion.lines] == [*results, *others]


@pytest.mark.parametrize(
    ("outcome", "action"),
    [
        (Outcome.IMPORTED, Action.MOVE),
        (Outcome.DUPLICATE, Action.MOVE),
        (Outcome.FAILED, Action.MARK_READ),
        (Outcome.NOT_A_REPORT, Action.DELETE),
    ],
)
def test_each_outcome_has_its_action(outcome: Outcome, action: Action) -> None:
    assert action_for(outcome, HANDLING).action is action


def test_the_reason_is_that_of_the_first_refused_part() -> None:
    lines = [
        PartLine(path="1", outcome=LineOutcome.DOCUMENT),
        PartLine(path="2", outcome=REFUSED, reason=Reason.ENCRYPTED, detail="second"),
    ]
    results = {"1": PartResult(REFUSED, Reason.EMPTY_DOCUMENT, "first")}

    conclusion = conclude(lines, results, HANDLING)

    assert (conclusion.reason, conclusion.detail) == (Reason.EMPTY_DOCUMENT, "first")


def test_a_document_that_did_not_come_with_the_event_fails_the_mail() -> None:
    conclusion = conclude([PartLine(path="1", outcome=LineOutcome.DOCUMENT)], {}, HANDLING)

    assert (conclusion.outcome, conclusion.reason) == (Outcome.FAILED, Reason.BUG)


def test_the_repairs_of_extraction_and_reading_are_kept_together() -> None:
    line = PartLine(path="1", outcome=LineOutcome.DOCUMENT, repairs=("a", "b"))

    [final] = conclude([line], {"1": PartResult(STORED, repairs=("b", "c"))}, HANDLING).lines

    assert final.repairs == ("a", "b", "c")
