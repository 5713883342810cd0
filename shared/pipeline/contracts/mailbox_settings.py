"""Everything a user sets for a mailbox, declared once: the form, its words, the docs and the API come from here."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from pipeline.contracts.oauth import OAuthSettings
from pipeline.contracts.proxy import ProxySettings
from pipeline.contracts.rules import Action, AttachmentRules, Filters, MailAction, Settings, ShortText
from pipeline.contracts.server_address import parse, taken_apart
from pipeline.contracts.setting import Section, Setting, Widget, declared, misplaced


class Security(StrEnum):
    """How the connection is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


SAME_FOLDER = "This is a folder that is read: email moved there would be fetched again; choose another folder."

_SECURITY = {
    "tls": "SSL/TLS (usual port 993)",
    "starttls": "STARTTLS (usual port 143)",
    "none": "Off: not encrypted",
}
_METHODS = {"password": "Password or app password", "xoauth2": "OAuth 2 (Google, Microsoft 365)"}
_ACTIONS = {"none": "Leave it as it is", "mark_read": "Mark as read", "move": "Move to a folder", "delete": "Delete"}


def _used_connections(wanted: int) -> int:
    return min(wanted, 2)


def _host_of(pasted: Any) -> Any:
    return parse(pasted).host if isinstance(pasted, str) and pasted.strip() else pasted


def _is_server(pasted: Any) -> bool:
    """Whether the host can be read; where it cannot, its own field says why."""
    try:
        return isinstance(pasted, str) and bool(parse(pasted))
    except ValueError:
        return False


def _fingerprint(pasted: str) -> str:
    """SHA-256 as 64 small hexadecimal digits, however it was written."""
    digits = pasted.strip().replace(":", "").replace(" ", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("enter a SHA-256 fingerprint: 64 hexadecimal digits, such as Test Connection shows")
    return digits


class MailboxSettings(Settings):
    """Everything a user sets for a mailbox, but its secrets.

    `folders`: further folders that are read besides `folder`, in this order. With `auth="xoauth2"`, `oauth` says where
    access tokens come from; without it the secret `access_token` is used as long as it lasts.
    `max_mails_per_minute`: None for no limit. `max_connections`: one to fetch and one to act; with one, they take
    turns. A larger number, which would change nothing, is taken as two.

    With `dry_run` everything is fetched and stored, and the mailbox itself is never touched.
    """

    enabled: Annotated[bool, Setting(Section.ACCOUNT, Widget.SWITCH)] = Field(
        True, title="Enable IMAP", description="Switch it off to pause: no email is fetched, nothing is lost."
    )
    name: Annotated[ShortText, Setting(Section.ACCOUNT, ask="Enter a name.")] = Field(
        title="Name",
        description="Shown in lists and logs, for example “DMARC reports”. The page fills it from the username.",
    )
    host: Annotated[
        ShortText,
        BeforeValidator(_host_of),
        Setting(
            Section.ACCOUNT,
            ask="Enter the name of the IMAP server, such as imap.example.com.",
            hints={"autocapitalize": "none", "spellcheck": "false"},
        ),
    ] = Field(
        title="IMAP Server",
        description="For example imap.gmail.com or outlook.office365.com. A port written with it is understood.",
    )
    port: Annotated[int, Setting(Section.ACCOUNT, Widget.NUMBER, wrong="Enter a number from 1 to 65535.")] = Field(
        993, ge=1, le=65535, title="IMAP Port", description="993 for SSL/TLS, 143 for STARTTLS."
    )
    security: Annotated[
        Security,
        Setting(
            Section.ACCOUNT,
            Widget.CHOICE,
            choices=_SECURITY,
            warn_if="none",
            warning="The connection is not encrypted. The password and the email can be read on the way. Use this on a"
            " trusted network only, for example to a mail bridge on the same machine.",
        ),
    ] = Field(
        Security.TLS,
        title="Use SSL/TLS",
        description="How the connection is protected. Switch it off only for a server on this machine.",
    )
    verify_certificate: Annotated[
        bool,
        Setting(
            Section.CERTIFICATE,
            Widget.CHECK,
            warn_if="off",
            warning="The server's certificate is not checked. Whoever can reach the network in between can read the"
            " password and the email. For a server with a certificate of its own, keep the check on and trust that"
            " certificate, or paste its CA certificate.",
        ),
    ] = Field(True, title="Verify certificate", description="Makes sure that the password goes to the right server.")
    ca_certificate: Annotated[str | None, Setting(Section.CERTIFICATE, Widget.AREA)] = Field(
        None,
        max_length=100_000,
        title="CA certificate",
        description="For servers with a CA of their own: its certificate in PEM form, from “-----BEGIN CERTIFICATE”"
        " on. It is trusted instead of the usual ones.",
    )
    pinned_certificate: Annotated[
        Annotated[str, AfterValidator(_fingerprint)] | None,
        Setting(Section.CERTIFICATE, hints={"spellcheck": "false", "autocomplete": "off"}),
    ] = Field(
        None,
        max_length=200,
        title="Trusted certificate",
        description="The SHA-256 fingerprint of the one certificate to trust, whoever issued it; any other is refused."
        " Test Connection offers it where a certificate cannot be checked otherwise.",
    )
    username: Annotated[
        ShortText,
        Setting(
            Section.ACCOUNT,
            ask="Enter the username, for most providers the whole email address.",
            hints={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
        ),
    ] = Field(
        title="Username",
        description="For most providers the whole email address. It stays once email was fetched: another account is"
        " another mailbox.",
    )
    auth: Annotated[
        Literal["password", "xoauth2"],
        Setting(Section.ACCOUNT, Widget.CHOICE, choices=_METHODS),
    ] = Field("password", title="Sign-in method", description="OAuth 2 where the provider no longer takes passwords.")
    oauth: Annotated[OAuthSettings | None, Setting(given_if="auth=xoauth2")] = Field(
        None, title="OAuth 2", description="Where access tokens come from with `xoauth2`; see below."
    )
    proxy: Annotated[ProxySettings | None, Setting(given_if="proxy.host")] = Field(
        None, title="Proxy", description="The proxy to go through; see below."
    )
    folder: Annotated[ShortText, Setting(Section.FETCHING, hints={"list": "folder-choices"})] = Field(
        "INBOX", title="Folder", description="The folder that is read. Test Connection offers those that exist."
    )
    folders: Annotated[tuple[ShortText, ...], Setting(Section.MORE, Widget.LINES)] = Field(
        (),
        max_length=50,
        title="More folders",
        description="Read as well, in this order, one a line. Email is not moved into a folder that is read.",
    )
    poll_interval_minutes: Annotated[
        float,
        Setting(
            Section.FETCHING,
            Widget.NUMBER,
            unit="minutes",
            wrong="Enter a number of minutes above 0, at most 10,080 (a week).",
        ),
    ] = Field(
        60,
        gt=0,
        le=10_080,
        title="Polling Interval",
        description="How often the folder is looked at; fractions are allowed. 60 is a good value: most reports come"
        " once a day.",
    )
    use_idle: Annotated[bool, Setting(Section.MORE, Widget.CHECK)] = Field(
        True,
        title="Wait for new email (IDLE)",
        description="Where the server can announce new email, it is fetched at once; the Polling Interval is the"
        " safety net.",
    )
    max_mails_per_minute: Annotated[
        int | None, Setting(Section.MORE, Widget.NUMBER, wrong="Enter a whole number from 1 to 1,000,000, or nothing.")
    ] = Field(
        None,
        gt=0,
        le=1_000_000,
        title="Emails a minute, at most",
        description="For servers that slow down eager clients. Empty: no limit.",
    )
    max_connections: Annotated[
        int, AfterValidator(_used_connections), Setting(Section.MORE, Widget.NUMBER, wrong="Enter 1 or 2.")
    ] = Field(
        2,
        ge=1,
        le=10,
        title="Connections, at most",
        description="Two: one fetches, one marks and moves. With one they take turns; more than two are never used.",
    )
    dry_run: Annotated[bool, Setting(Section.MORE, Widget.CHECK)] = Field(
        False,
        title="Dry run",
        description="Reports are fetched and stored, and the mailbox is never touched; what would have been done is"
        " in the Activity Log. Email stored meanwhile stays untouched when this is switched off.",
    )
    filters: Filters = Field(
        Filters(),
        title="Filters",
        description="Which email is looked at; other email is not downloaded or touched.",
    )
    attachments: AttachmentRules = Field(AttachmentRules(), title="Attachments", description="What is unpacked.")
    on_processed: Annotated[MailAction, Setting(Section.PROCESSING, Widget.ACTION, choices=_ACTIONS)] = Field(
        MailAction(action=Action.MARK_READ),
        title="After processing",
        description="What is done to an email whose reports are stored, or that brought nothing new.",
    )
    on_failed: Annotated[MailAction, Setting(Section.PROCESSING, Widget.ACTION, choices=_ACTIONS)] = Field(
        MailAction(),
        title="After a failure",
        description="What is done to an email that failed. Moving it to a folder keeps it in sight.",
    )
    on_not_a_report: Annotated[MailAction, Setting(Section.PROCESSING, Widget.ACTION, choices=_ACTIONS)] = Field(
        MailAction(),
        title="Email without a report",
        description="What is done to other email. In a mailbox that gets more than reports, leave it as it is.",
    )

    @model_validator(mode="before")
    @classmethod
    def _a_pasted_port_counts(cls, values: Any) -> Any:
        return taken_apart(values) if isinstance(values, Mapping) and _is_server(values.get("host")) else values

    @model_validator(mode="after")
    def _moved_mail_is_not_read_again(self) -> "MailboxSettings":
        read = set(map(_one_spelling, self.folders))
        for name in ("on_processed", "on_failed", "on_not_a_report"):
            target = getattr(self, name).folder
            if target is not None and _one_spelling(target) in read:
                raise misplaced(f"{name}.folder", SAME_FOLDER)
        return self

    @property
    def all_folders(self) -> tuple[str, ...]:
        """Every folder that is read, `folder` first, each once."""
        return tuple(dict.fromkeys((self.folder, *self.folders)))


class MailboxSecrets(Settings):
    """What is encrypted at rest and never leaves by any API."""

    password: Annotated[
        SecretStr, Setting(Section.ACCOUNT, Widget.SECRET, after="username", shown_for="auth=password")
    ] = Field(
        SecretStr(""),
        title="Password",
        description="Stored encrypted and never shown again. With two-step sign-in, create an app password at your"
        " provider and enter that.",
    )
    client_secret: Annotated[SecretStr, Setting(Section.OAUTH, Widget.SECRET, after="oauth.client_id")] = Field(
        SecretStr(""),
        title="Client secret",
        description="Where the provider gave you one. Saved for exactly these OAuth 2 settings: when you change one of"
        " them, enter it again.",
    )
    refresh_token: Annotated[SecretStr, Setting(Section.OAUTH, Widget.SECRET, after="client_secret")] = Field(
        SecretStr(""),
        title="Refresh token",
        description="Of the person who signed in once; not for client credentials. Saved like the client secret.",
    )
    access_token: SecretStr = Field(
        SecretStr(""), title="Access token", description="Used as long as it lasts, where there is no `oauth`."
    )
    proxy_password: Annotated[SecretStr, Setting(Section.PROXY, Widget.SECRET, after="proxy.username")] = Field(
        SecretStr(""), title="Proxy password", description="Where the proxy asks for one."
    )


SETTING_FIELDS = declared(MailboxSettings, MailboxSecrets)


def _one_spelling(folder: str) -> str:
    """Servers separate levels by "/" or ".", and a name may be written with either; INBOX is written in any case."""
    first, *others = folder.replace(".", "/").split("/")
    return "/".join(("INBOX" if first.upper() == "INBOX" else first, *others))
