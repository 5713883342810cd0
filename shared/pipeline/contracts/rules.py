"""What a mailbox does with email: what it looks at, what is unpacked, what is done when the work is finished."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pipeline.contracts.limits import MiB
from pipeline.contracts.setting import Section, Setting, Widget, misplaced

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class Action(StrEnum):
    """What is done to a mail when its work is finished."""

    NONE = "none"
    MARK_READ = "mark_read"
    MOVE = "move"
    DELETE = "delete"


class AttachmentFormat(StrEnum):
    """`xml` stands for any report that is not compressed (XML, JSON, a failure report)."""

    XML = "xml"
    ZIP = "zip"
    GZ = "gz"
    EML = "eml"


_FORMATS = {
    "xml": "XML (not compressed; also JSON)",
    "zip": "ZIP archives",
    "gz": "GZ (gzip)",
    "eml": "EML (reports in a forwarded email)",
}


class Settings(BaseModel):
    """A group of settings: unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MailAction(Settings):
    """An action and, for a move, its target folder."""

    action: Action = Field(Action.NONE, title="Action", description="`none`, `mark_read`, `move` or `delete`.")
    folder: ShortText | None = Field(
        None, title="Folder", description="Where `move` puts the email; it is made where it is missing."
    )

    @model_validator(mode="after")
    def _a_move_has_a_folder(self) -> "MailAction":
        if self.action is Action.MOVE and self.folder is None:
            raise misplaced("folder", "Enter the folder that the email is moved to.")
        return self


class Filters(Settings):
    """Which mails are looked at; a mail must match every filter that is set. Others are not downloaded, not touched.

    `subject_contains`: any of these words, without regard to case. `senders`: any of these addresses
    ("noreply@example.com") or domains ("example.com", its subdomains too). `max_age_days`: by the server's date.
    """

    subject_contains: Annotated[tuple[ShortText, ...], Setting(Section.FILTERS, Widget.LINES)] = Field(
        (),
        max_length=50,
        title="Subject Filter",
        description="Any of these texts in the subject, one a line; upper or lower case is the same."
        " For example “Report domain:”.",
    )
    senders: Annotated[tuple[ShortText, ...], Setting(Section.FILTERS, Widget.LINES)] = Field(
        (),
        max_length=200,
        title="Sender Filter",
        description="Any of these senders, one a line: an address, or a domain with its subdomains.",
    )
    max_age_days: Annotated[
        int | None,
        Setting(
            Section.FILTERS, Widget.NUMBER, unit="days", wrong="Enter a whole number of days, or nothing for any age."
        ),
    ] = Field(
        None,
        gt=0,
        le=36500,
        title="Age Filter",
        description="Older email is left alone, by the mail server's date. Empty: any age.",
    )


class AttachmentRules(Settings):
    """Which attachments are unpacked, how large they may be (bytes, decoded), and which come first."""

    formats: Annotated[tuple[AttachmentFormat, ...], Setting(Section.ATTACHMENTS, Widget.CHECKS, choices=_FORMATS)] = (
        Field(tuple(AttachmentFormat), title="Supported Formats", description="What is unpacked and read.")
    )
    max_bytes: Annotated[
        int,
        Setting(
            Section.ATTACHMENTS, Widget.SIZE, unit="MB", wrong="Enter a size above 0, at most 100 MB (104857600 bytes)."
        ),
    ] = Field(
        10 * MiB,
        gt=0,
        le=100 * MiB,
        title="Size Limit",
        description="A larger attachment (decoded) is refused, and its email is listed as failed."
        " Reports are small: 10 MB is generous.",
    )
    priority: Annotated[tuple[AttachmentFormat, ...], Setting(Section.ATTACHMENTS, Widget.ORDER, choices=_FORMATS)] = (
        Field(
            tuple(AttachmentFormat),
            title="Processing Priority",
            description="Where an email has several attachments, they are read in this order.",
        )
    )
