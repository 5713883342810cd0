"""What a fetcher asks a parser over the bus: which of these mails are not settled? Bounded; pure.

A mail is settled when it is in the ledger and its command is done, or given soon. What is not is fetched once more,
which is harmless: the ledger absorbs what it knows, and gives an unfinished command again.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipeline.mailbox import MailboxId

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
