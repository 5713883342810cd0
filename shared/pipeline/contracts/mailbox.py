"""A mailbox: one configured account, its folder, filters, attachment rules and actions."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from pipeline.contracts.limits import MiB
from pipeline.contracts.oauth import OAuthSettings
from pipeline.contracts.server_address import parse, taken_apart


class ProxyKind(StrEnum):
    """SOCKS 5 (RFC 1928), SOCKS 4a, or an HTTP proxy that allows CONNECT (RFC 9110 section 9.3.6)."""

    SOCKS5 = "socks5"
    SOCKS4 = "socks4"
    HTTP = "http"


class ProxySettings(BaseModel):
    """Names are resolved by the proxy. Its password is with the mailbox's other secrets (`proxy_password`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ProxyKind = Field(ProxyKind.SOCKS5, description="`socks5`, `socks4` or `http`.")
    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)] = Field(
        description="The proxy."
    )
    port: int = Field(ge=1, le=65535, description="Its port.")
    username: Annotated[str, StringConstraints(max_length=255)] = Field(
        "", description="Where the proxy asks for one; its password is the secret `proxy_password`."
    )


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

    action: Action = Field(Action.NONE, description="`none`, `mark_read`, `move` or `delete`.")
    folder: ShortText | None = Field(None, description="Where `move` puts the mail; it is made where it is missing.")

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

    subject_contains: tuple[ShortText, ...] = Field(
        (), max_length=50, description="Any of these words in the subject, without regard to case."
    )
    senders: tuple[ShortText, ...] = Field(
        (), max_length=200, description="Any of these addresses, or domains with their subdomains."
    )
    max_age_days: int | None = Field(
        None, gt=0, le=36500, description="Not older than this, by the mail server's date."
    )


class AttachmentRules(_Settings):
    """Which attachments are unpacked, how large they may be (bytes, decoded), and which come first."""

    formats: tuple[AttachmentFormat, ...] = Field(
        tuple(AttachmentFormat),
        description="What is unpacked: `xml` (any report that is not compressed), `zip`, `gz`, `eml`.",
    )
    max_bytes: int = Field(10 * MiB, gt=0, le=100 * MiB, description="A larger attachment (decoded) is refused.")
    priority: tuple[AttachmentFormat, ...] = Field(
        tuple(AttachmentFormat), description="Which formats come first where a mail has several."
    )


def _used_connections(wanted: int) -> int:
    return min(wanted, 2)


def _host_of(pasted: Any) -> Any:
    return parse(pasted).host if isinstance(pasted, str) else pasted


def _is_server(pasted: Any) -> bool:
    """Whether the host can be read; where it cannot, its own field says why."""
    try:
        return isinstance(pasted, str) and bool(parse(pasted))
    except ValueError:
        return False


class MailboxSettings(_Settings):
    """Everything a user sets for a mailbox, but its secrets.

    `folders`: further folders that are read besides `folder`, in this order. With `auth="xoauth2"`, `oauth` says where
    access tokens come from; without it the secret `access_token` is used as long as it lasts.
    `max_mails_per_minute`: None for no limit. `max_connections`: one to fetch and one to act; with one, they take
    turns. A larger number, which would change nothing, is taken as two.

    With `dry_run` everything is fetched and stored, and the mailbox itself is never touched.
    """

    name: ShortText = Field(description="What people call it.")
    enabled: bool = Field(True, description="False: it is left alone.")
    host: Annotated[ShortText, BeforeValidator(_host_of)] = Field(
        description="The IMAP server; `imaps://name`, `name:993` and `[::1]` are understood too."
    )
    port: int = Field(993, ge=1, le=65535, description="Its port.")
    security: Security = Field(Security.TLS, description="`tls`, `starttls`, or `none` (for a server on this machine).")
    verify_certificate: bool = Field(True, description="False accepts any certificate.")
    ca_certificate: str | None = Field(
        None, max_length=100_000, description="CA certificate to trust instead of the usual ones, PEM."
    )
    username: ShortText = Field(
        description="Who signs in. Stays once mails were fetched: another account is another mailbox."
    )
    auth: Literal["password", "xoauth2"] = Field("password", description="`password` or `xoauth2`.")
    oauth: OAuthSettings | None = Field(None, description="Where access tokens come from with `xoauth2`; see below.")
    proxy: ProxySettings | None = Field(None, description="The proxy to go through; see below.")
    folder: ShortText = Field("INBOX", description="The folder that is read.")
    folders: tuple[ShortText, ...] = Field(
        (), max_length=50, description="Further folders that are read, in this order."
    )
    poll_interval_minutes: float = Field(
        60, gt=0, le=10_080, description="How often the folder is looked at; fractions are allowed."
    )
    use_idle: bool = Field(True, description="New mail is heard of at once, where the server offers IDLE.")
    max_mails_per_minute: int | None = Field(
        None, gt=0, le=1_000_000, description="At most so many mails are fetched; empty: no limit."
    )
    max_connections: Annotated[int, AfterValidator(_used_connections)] = Field(
        2, ge=1, le=10, description="With one, fetching and acting take turns. More than two are never used."
    )
    dry_run: bool = Field(
        False,
        description="Everything is fetched and stored, and the mailbox is never touched; what would have been done is"
        " in the activity log. Mails stored meanwhile stay untouched when it is switched off.",
    )
    filters: Filters = Field(
        Filters(), description="Which mails are looked at; others are neither downloaded nor touched."
    )
    attachments: AttachmentRules = Field(AttachmentRules(), description="What is unpacked.")
    on_processed: MailAction = Field(
        MailAction(action=Action.MARK_READ), description="What is done to a mail whose reports are stored."
    )
    on_failed: MailAction = Field(MailAction(), description="What is done to a mail that failed.")
    on_not_a_report: MailAction = Field(MailAction(), description="What is done to a mail without a report.")

    @model_validator(mode="before")
    @classmethod
    def _a_pasted_port_counts(cls, values: Any) -> Any:
        return taken_apart(values) if isinstance(values, Mapping) and _is_server(values.get("host")) else values

    @model_validator(mode="after")
    def _moved_mail_is_not_read_again(self) -> "MailboxSettings":
        targets = {
            _one_spelling(action.folder)
            for action in (self.on_processed, self.on_failed, self.on_not_a_report)
            if action.folder is not None
        }
        if targets.intersection(map(_one_spelling, self.folders)):
            raise ValueError("mail cannot be moved into one of the folders that are read: choose another folder")
        return self

    @property
    def all_folders(self) -> tuple[str, ...]:
        """Every folder that is read, `folder` first, each once."""
        return tuple(dict.fromkeys((self.folder, *self.folders)))


class MailboxSecrets(_Settings):
    """What is encrypted at rest and never leaves by any API."""

    password: SecretStr = Field(SecretStr(""), description="With `auth` `password`.")
    client_secret: SecretStr = Field(SecretStr(""), description="Of the OAuth application.")
    refresh_token: SecretStr = Field(SecretStr(""), description="Of the person who signed in once.")
    access_token: SecretStr = Field(SecretStr(""), description="Used as long as it lasts, where there is no `oauth`.")
    proxy_password: SecretStr = Field(SecretStr(""), description="Of the proxy.")


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


def _one_spelling(folder: str) -> str:
    """Servers separate levels by "/" or ".", and a name may be written with either; INBOX is written in any case."""
    first, *others = folder.replace(".", "/").split("/")
    return "/".join(("INBOX" if first.upper() == "INBOX" else first, *others))


class Handling(BaseModel):
    """The settings that hold for one mail, stamped on it when it was fetched."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    settings_version: int
    attachments: AttachmentRules = AttachmentRules()
    on_processed: MailAction = MailAction()
    on_failed: MailAction = MailAction()
    on_not_a_report: MailAction = MailAction()
