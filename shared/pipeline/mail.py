"""A mail's name on our side: the same mail has the same id for ever, whoever fetches it, however often."""

import json
from typing import Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from pipeline.mailbox import MailboxId

NAMESPACE = UUID("6d61726b-0000-5000-8000-646d61727101")


def mail_id_of(*, mailbox_id: str, folder: str, uidvalidity: int, uid: int) -> str:
    """32 lower-case hexadecimal digits, derived from where the mail is; also a valid W3C trace id."""
    return uuid5(NAMESPACE, json.dumps([mailbox_id, folder, uidvalidity, uid])).hex


class MailRef(BaseModel):
    """Where a mail is (mailbox, folder, uidvalidity, uid) and the id that follows from it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mail_id: str
    mailbox_id: MailboxId
    folder: str
    uidvalidity: int
    uid: int

    @classmethod
    def of(cls, *, mailbox_id: str, folder: str, uidvalidity: int, uid: int) -> Self:
        """The reference to the mail with this UID in this folder."""
        mail_id = mail_id_of(mailbox_id=mailbox_id, folder=folder, uidvalidity=uidvalidity, uid=uid)
        return cls(mail_id=mail_id, mailbox_id=mailbox_id, folder=folder, uidvalidity=uidvalidity, uid=uid)
