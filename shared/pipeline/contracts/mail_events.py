"""The events and commands about emails: from the mailbox to the outcome, and what became of the command.

Every event is immutable, versioned by `v`; unknown fields are ignored. An event's head is JSON. Bytes (a raw mail,
compressed documents) travel beside the head as cargo, never inside it; the bus moves cargo that is too large into the
object store and back (see `pipeline.contracts.wire`).
"""

from abc import ABC, abstractmethod
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from pipeline.contracts.mail import DocumentInfo, MailRef, PartLine
from pipeline.contracts.mailbox import Action, Handling, MailboxId
from pipeline.contracts.reasons import Reason


class Outcome(StrEnum):
    """The final state of a mail."""

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    NOT_A_REPORT = "not_a_report"


class Event(BaseModel, ABC):
    """A fact. `address` is the form of its subject, `key` its Nats-Msg-Id: the same fact, the same key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    address: ClassVar[str]
    v: int = 1

    @property
    @abstractmethod
    def subject(self) -> str:
        """The subject this event is published on; exactly one stream holds it."""

    @property
    @abstractmethod
    def key(self) -> str:
        """What makes a second publish of the same fact harmless."""

    @property
    def occurred_at(self) -> datetime | None:
        """When the fact came to be, where the event says so."""
        return None

    @property
    def about(self) -> tuple[str, ...]:
        """The ids of the mails that it is about; none for what is about a mailbox."""
        return ()


class MailEvent(Event):
    """An event about one mail on its way.

    It is a new fact when a dead letter is retried, which makes `take` grow; when the mail is fetched again under other
    settings, for what they let through, and what is done then, may be another; and when its bytes come after all.
    `refused` says why they did not come.
    """

    mail: MailRef
    handling: Handling
    size: int
    internal_date: datetime | None = None
    fetched_at: datetime
    run_id: str = ""
    take: int = 0
    refused: Reason | None = None

    @property
    def attempt(self) -> str:
        """What tells this attempt at the mail from others."""
        without_bytes = f".{self.refused}" if self.refused else ""
        return f"{self.take}.{self.handling.settings_version}{without_bytes}"

    @property
    def about(self) -> tuple[str, ...]:
        return (self.mail.mail_id,)


class MailFetched(MailEvent):
    """A mail was taken from the mailbox. Cargo 0: its RFC 5322 bytes; none where `refused` says why it stayed there."""

    type = "mail_fetched"
    address = "mail.fetched.{mailbox}"
    subject_line: str = ""
    from_address: str = ""

    @property
    def subject(self) -> str:
        return f"mail.fetched.{self.mail.mailbox_id}"

    @property
    def key(self) -> str:
        return f"{self.mail.mail_id}.fetched.{self.attempt}"


class MailExtracted(MailEvent):
    """A mail's documents were found. Cargo 0: the RFC 5322 bytes; the others: documents, gzip-compressed.

    `lines` has an entry for every part and archive member, with its outcome and reason.
    """

    type = "mail_extracted"
    address = "mail.extracted.{mailbox}"
    subject_line: str = ""
    from_address: str = ""
    header_message_id: str = ""
    date: datetime | None = None
    lines: tuple[PartLine, ...] = ()
    documents: tuple[DocumentInfo, ...] = ()

    @property
    def subject(self) -> str:
        return f"mail.extracted.{self.mail.mailbox_id}"

    @property
    def key(self) -> str:
        return f"{self.mail.mail_id}.extracted.{self.attempt}"


class MailCommand(Event):
    """What the fetcher must do to a mail, now that its outcome is committed.

    `settings_version`: of the settings under which the mail ended so; under other ones another end is a new fact.
    `retry` is another number each time a person asks for a failed action again, so that it is a new fact; 0 at first.
    """

    type = "mail_command"
    address = "mailbox.command.{mailbox}"
    mail: MailRef
    outcome: Outcome
    action: Action
    folder: str | None = None
    take: int = 0
    settings_version: int = 0
    retry: int = 0

    @property
    def subject(self) -> str:
        return f"mailbox.command.{self.mail.mailbox_id}"

    @property
    def key(self) -> str:
        again = f".{self.retry}" if self.retry else ""
        return f"{self.mail.mail_id}.command.{self.take}.{self.settings_version}.{self.outcome}{again}"

    @property
    def about(self) -> tuple[str, ...]:
        return (self.mail.mail_id,)


class ActResult(StrEnum):
    """What became of a command."""

    DONE = "done"
    ABSENT = "absent"  # the mail is no longer there: it was done before, or somebody else took it away
    FAILED = "failed"
    SKIPPED = "skipped"  # the mailbox is on a dry run


class MailActed(Event):
    """One action was done to a set of mails of one folder with one result.

    Its time is part of the key: a command for a later take of a mail ends in the same way, and is a new fact.
    """

    type = "mail_acted"
    address = "event.{mailbox}.mail_acted"
    mailbox_id: MailboxId
    folder: str
    action: Action
    target: str | None = None
    result: ActResult
    mail_ids: tuple[str, ...]
    reason: Reason | None = None
    detail: str = ""
    at: datetime

    @property
    def subject(self) -> str:
        return f"event.{self.mailbox_id}.{self.type}"

    @property
    def key(self) -> str:
        return f"{self.mail_ids[0]}.{len(self.mail_ids)}.acted.{self.action}.{self.result}.{self.at.isoformat()}"

    @property
    def occurred_at(self) -> datetime:
        return self.at

    @property
    def about(self) -> tuple[str, ...]:
        return self.mail_ids


class MailDied(Event):
    """A mail's event became a dead letter before the parser could write its outcome; the ledger must know it failed."""

    type = "mail_died"
    address = "event.{mailbox}.mail_died"
    mail: MailRef
    handling: Handling
    size: int = 0
    internal_date: datetime | None = None
    fetched_at: datetime
    consumer: str
    reason: Reason
    detail: str = ""
    take: int = 0

    @property
    def subject(self) -> str:
        return f"event.{self.mail.mailbox_id}.{self.type}"

    @property
    def key(self) -> str:
        return f"{self.mail.mail_id}.died.{self.take}.{self.handling.settings_version}"

    @property
    def about(self) -> tuple[str, ...]:
        return (self.mail.mail_id,)
