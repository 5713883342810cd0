"""The outcome of a mail, from the results of its parts; and what is to be done to the mail then. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.contracts.mail_events import Outcome
from pipeline.contracts.mailbox import Handling, MailAction
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected

# The first of these results that any part has decides.
_DECIDES = (
    (LineOutcome.STORED, Outcome.IMPORTED),
    (LineOutcome.DUPLICATE, Outcome.DUPLICATE),
    (LineOutcome.REFUSED, Outcome.FAILED),
)


@dataclass(frozen=True, slots=True)
class PartResult:
    """What became of one document. `report` is the id of the report it says, its own or the one it repeats."""

    outcome: LineOutcome
    reason: Reason | None = None
    detail: str = ""
    repairs: tuple[str, ...] = ()
    report: int | None = None
    salvaged: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The outcome of a mail; `reason`, `detail` and `salvaged` are those of its first refused part.

    A mail that is no report because a format is switched off has that reason, and the format as its detail.
    """

    outcome: Outcome
    reason: Reason | None
    detail: str
    action: MailAction
    lines: tuple[PartLine, ...]
    salvaged: dict[str, str] = field(default_factory=dict)

    @property
    def rejection(self) -> Rejected | None:
        """Why the mail belongs to the dead letters, if it does."""
        if self.outcome is not Outcome.FAILED:
            return None
        return Rejected(self.reason or Reason.BUG, self.detail, salvaged=self.salvaged)


def conclude(lines: Sequence[PartLine], results: Mapping[str, PartResult], handling: Handling) -> Conclusion:
    """The end of a mail whose parts are `lines` and whose documents met `results`, by path."""
    final = tuple(_final(line, results) for line in lines)
    found = {line.outcome for line in final}
    outcome = next((end for outcome, end in _DECIDES if outcome in found), Outcome.NOT_A_REPORT)
    refused = next((line for line in final if line.outcome is LineOutcome.REFUSED), None)
    why = refused or (_skipped(final) if outcome is Outcome.NOT_A_REPORT else None)
    return Conclusion(
        outcome=outcome,
        reason=why.reason if why else None,
        detail=why.detail if why else "",
        action=action_for(outcome, handling),
        lines=final,
        salvaged=refused.salvaged if refused else {},
    )


def action_for(outcome: Outcome, handling: Handling) -> MailAction:
    """What the mailbox wants done to a mail that ended so."""
    if outcome is Outcome.FAILED:
        return handling.on_failed
    if outcome is Outcome.NOT_A_REPORT:
        return handling.on_not_a_report
    return handling.on_processed


def _skipped(lines: Sequence[PartLine]) -> PartLine | None:
    """The first part that was not opened because its format is switched off."""
    return next((line for line in lines if line.reason is Reason.FORMAT_NOT_ALLOWED), None)


def _final(line: PartLine, results: Mapping[str, PartResult]) -> PartLine:
    if line.outcome is not LineOutcome.DOCUMENT:
        return line
    absent = PartResult(LineOutcome.REFUSED, Reason.BUG, "the document did not come with the event")
    result = results.get(line.path, absent)
    repairs = tuple(dict.fromkeys((*line.repairs, *result.repairs)))
    changes = {"outcome": result.outcome, "reason": result.reason, "detail": result.detail, "repairs": repairs}
    return line.model_copy(update=changes | {"salvaged": result.salvaged})
