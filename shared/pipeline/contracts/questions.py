"""What one service asks another over the bus: which mails are not settled, and which documents to read again. Pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from pipeline.contracts.mailbox import MailboxId
from pipeline.contracts.reasons import Reason

MAX_UIDS = 2000

Uids = Annotated[tuple[int, ...], Field(max_length=MAX_UIDS)]


class LedgerInquiry(BaseModel):
    """UIDs of one folder under one uidvalidity."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mailbox_id: MailboxId
    folder: str
    uidvalidity: int
    uids: Uids


class LedgerAnswer(BaseModel):
    """Those of the UIDs whose mails are not settled, in the order of the inquiry."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    unsettled: Uids


Word = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]


class ReparseOptions(BaseModel):
    """Which kept documents are read again; all of these hold together, none means all documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: AwareDatetime | None = Field(None, description="Stored at this time or later (RFC 3339).")
    until: AwareDatetime | None = Field(None, description="Stored before this time (RFC 3339).")
    domain: Word | None = Field(None, description="Reports about this policy domain.")
    reason: Reason | None = Field(None, description="Refused for this reason.")
    parser_version: Word | None = Field(None, description="Last read by this version of the parser.")
    dry_run: bool = Field(False, description="Only say what would change.")


class ReparseRequest(BaseModel):
    """The options, and who asks: the payload on `parser.reparse`."""

    model_config = ConfigDict(frozen=True)

    wish: ReparseOptions
    who: str


class Change(StrEnum):
    """What reading a document again changes."""

    NEW = "new"  # it was refused, and is a report now
    DUPLICATE = "duplicate"  # it says what another report says
    CHANGED = "changed"  # its report is other than what was stored, or its refusal has another reason
    SAME = "same"
    KEPT = "kept"  # it would be refused now; the report that was read from it stays
    BROKEN = "broken"  # reading it ran into a bug; nothing was changed


class ReparseJob(BaseModel):
    """How far it has come. `counts` has the documents done so far by what changed (or would change)."""

    model_config = ConfigDict(frozen=True)

    id: int
    wish: ReparseOptions
    who: str
    documents: int = Field(description="How many documents the request is about.")
    counts: dict[Change, int] = Field(description="Documents done so far.")
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def done(self) -> int:
        """How many documents were looked at."""
        return sum(self.counts.values())
