"""A mailbox: one configured account, its folder, filters, attachment rules and actions."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from pipeline.limits import MiB
from pipeline.oauth import OAuthSettings
from pipeline.proxy import ProxySettings

MAILBOX_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
MailboxId = Annotated[str, StringConstraints(pattern=MAILBOX_ID_PATTERN)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class Action(StrEnum):
    """What is done to a mail when its work is finished."""

    NONE = "none"
    MARK_READ = "mark_read"
    MOVE = "move"
    DELETE = "delete"


class Security(StrEnum):
    """How the connection is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class AttachmentFormat(StrEnum):
    """`xml` stands for any report that is not compressed (XML, JSON, a failure report)."""

    XML = "xml"
    ZIP = "zip"
    GZ = "gz"
    EML = "eml"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MailAction(_Settings):
    """An action and, for a move, its target folder."""

    action: Action = Action.NONE
    folder: ShortText | None = None

    @model_validator(mode="after")
    def _a_move_has_a_folder(self) -> "MailAction":
        if self.action is Action.MOVE and self.folder is None:
            raise ValueError("a move needs a folder: name the folder that processed mail is moved to")
        return self


class Filters(_Settings):
    """Which mails are looked at; a mail must match every filter that is set. Others are not downloaded, not touched.

    `subject_contains`: any of these words, without regard to case. `senders`: any of these addresses
    ("noreply@example.com") or domains ("example.com", its subdomains too). `max_age_days`: by the server's date.
    """

    subject_contains: tuple[ShortText, ...] = Field((), max_length=50)
    senders: tuple[ShortText, ...] = Field((), max_length=200)
    max_age_days: int | None = Field(None, gt=0, le=36500)


class AttachmentRules(_Settings):
    """Which attachments are unpacked, how large they may be (bytes, decoded), and which come first."""

    formats: tuple[AttachmentFormat, ...] = tuple(AttachmentFormat)
    max_bytes: int = Field(10 * MiB, gt=0, le=100 * MiB)
    priority: tuple[AttachmentFormat, ...] = tuple(AttachmentFormat)


class MailboxSettings(_Settings):
    """Everything a user sets for a mailbox, but its secrets.

    `folders`: further folders that are read besides `folder`, in this order. With `auth="xoauth2"`, `oauth` says where
    access tokens come from; without it the secret `access_token` is used as long as it lasts.
    `max_mails_per_minute`: None for no limit. `max_connections`: the fetcher uses at most two, one to fetch and one to
    act; with one, they take turns.

    With `dry_run` everything is fetched and stored, and the mailbox itself is never touched.
    """

    name: ShortText
    enabled: bool = True
    host: ShortText
    port: int = Field(993, ge=1, le=65535)
    security: Security = Security.TLS
    verify_certificate: bool = True
    ca_certificate: str | None = Field(None, max_length=100_000)
    username: ShortText
    auth: Literal["password", "xoauth2"] = "password"
    oauth: OAuthSettings | None = None
    proxy: ProxySettings | None = None
    folder: ShortText = "INBOX"
    folders: tuple[ShortText, ...] = Field((), max_length=50)
    poll_interval_minutes: float = Field(60, gt=0, le=10_080)
    use_idle: bool = True
    max_mails_per_minute: int | None = Field(None, gt=0, le=1_000_000)
    max_connections: int = Field(2, ge=1, le=10)
    dry_run: bool = False
    filters: Filters = Filters()
    attachments: AttachmentRules = AttachmentRules()
    on_processed: MailAction = MailAction(action=Action.MARK_READ)
    on_failed: MailAction = MailAction()
    on_not_a_report: MailAction = MailAction()

    @model_validator(mode="after")
    def _moved_mail_is_not_read_again(self) -> "MailboxSettings":
        targets = {action.folder for action in (self.on_processed, self.on_failed, self.on_not_a_report)}
        if targets.intersection(self.folders):
            raise ValueError("mail cannot be moved into one of the folders that are read: choose another folder")
        return self

    @property
    def all_folders(self) -> tuple[str, ...]:
        """Every folder that is read, `folder` first, each once."""
        return tuple(dict.fromkeys((self.folder, *self.folders)))


class MailboxSecrets(_Settings):
    """What is encrypted at rest and never leaves by any API."""

    password: SecretStr = SecretStr("")
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr = SecretStr("")
    access_token: SecretStr = SecretStr("")
    proxy_password: SecretStr = SecretStr("")


class Mailbox(BaseModel):
    """A mailbox as the services know it: id, settings, their version (grows with each change), the secrets."""

    model_config = ConfigDict(frozen=True)

    id: MailboxId
    version: int
    settings: MailboxSettings
    secrets: MailboxSecrets = MailboxSecrets()

    def handling(self) -> "Handling":
        """What travels with each mail, so that the later steps need no look-up."""
        s = self.settings
        return Handling(
            settings_version=self.version,
            attachments=s.attachments,
            on_processed=s.on_processed,
            on_failed=s.on_failed,
            on_not_a_report=s.on_not_a_report,
        )


class Handling(BaseModel):
    """The settings that hold for one mail, stamped on it when it was fetched."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    settings_version: int
    attachments: AttachmentRules = AttachmentRules()
    on_processed: MailAction = MailAction()
    on_failed: MailAction = MailAction()
    on_not_a_report: MailAction = MailAction()
