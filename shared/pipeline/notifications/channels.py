"""Channels: where alerts and digests go, what of a channel is secret, and what its secret is bound to; pure."""

import json
import re
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from pipeline.notifications.rules import Domain, Urgency, ZoneName

CHANNEL_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,47}$"
ChannelId = Annotated[str, StringConstraints(pattern=CHANNEL_ID_PATTERN)]
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\x00-\x1f\x7f]+@[^\s@<>,;:\"()\x00-\x1f\x7f]+")
_SCHEME = re.compile(r"([a-z][a-z0-9]{1,31})://.", re.IGNORECASE)
# Of apprise's services those that start programs, speak to this machine, or are what our own channels do.
NOT_BY_APPRISE = frozenset({
    "dbus", "glib", "gio", "gnome", "kde", "qt", "macosx", "windows", "syslog", "rsyslog", "json", "jsons", "xml",
    "xmls", "form", "forms", "file", "mqtt", "mqtts", "growl", "exec", "ssh", "smpp", "smpps",
})  # fmt: skip


class ChannelKind(StrEnum):
    """How a channel is reached: mail over SMTP, a webhook of ours, or a service that apprise knows."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


class DigestRhythm(StrEnum):
    """How often a channel gets a digest."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"


NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("should be a mail address, like you@example.com")
    return text


Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320), AfterValidator(_address)]
Host = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=253, pattern=r"^[a-z0-9.:_-]+$"),
]


class EmailServer(BaseModel):
    """The SMTP server that takes the mails, and who they are from and to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Host = Field(description="Name or address of the SMTP server; it may be one of a private network.")
    port: int = Field(587, ge=1, le=65535, description="587 with starttls, 465 with tls, 25 for a relay.")
    security: Annotated[str, StringConstraints(pattern=r"^(tls|starttls|none)$")] = Field(
        "starttls", description="tls, starttls or none."
    )
    username: Annotated[str, StringConstraints(max_length=320, pattern=NO_CONTROL)] = Field(
        "", description="Empty: no sign-in."
    )
    sender: Address = Field(description="The From address.")
    recipients: tuple[Address, ...] = Field(min_length=1, max_length=50, description="The To addresses.")


class ChannelSettings(BaseModel):
    """What of a channel anybody with the right to read settings may see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    kind: ChannelKind
    enabled: bool = True
    email: EmailServer | None = Field(None, description="Of a channel of the kind email.")
    destination: str = Field("", max_length=300, description="Where its URL leads, without what is secret in it.")
    urgency: Urgency = Field(Urgency.INFO, description="Only alerts at least so urgent.")
    domains: tuple[Domain, ...] = Field((), max_length=1000, description="Only these policy domains; empty: all.")
    max_per_hour: int = Field(20, ge=1, le=100_000, description="Never more sendings an hour than this.")
    reports: bool = Field(False, description="Of a webhook: every stored report is sent, too.")
    digest: DigestRhythm = DigestRhythm.WEEKLY
    digest_hour: int = Field(7, ge=0, le=23, description="From which hour on a digest is sent.")
    time_zone: ZoneName = Field("UTC", description="The zone of digest_hour.")


class ChannelSecrets(BaseModel):
    """What is never shown again: `url` of a webhook or of apprise, `password` of SMTP, `signing_key` of a webhook."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr | None = None
    password: SecretStr | None = None
    signing_key: SecretStr | None = None

    def plain(self) -> str:
        """As it is sealed: JSON of what is set."""
        return json.dumps({name: value.get_secret_value() for name, value in self if value is not None})


def webhook_destination(url: str) -> str:
    """`https://host:port` of a webhook's URL. Raises ValueError, whose text does not repeat the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        host = parts.hostname or ""
    except (ValueError, KeyError):
        raise ValueError("should be a URL that begins with https:// or http://") from None
    if not host or parts.username is not None or any(c.isspace() or ord(c) < 32 for c in url):
        raise ValueError("should be a URL with a host, and without a user, a password or spaces")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def apprise_destination(url: str) -> str:
    """The service of an apprise URL, like `slack`. Raises ValueError, whose text does not repeat the URL."""
    found = _SCHEME.match(url)
    if found is None or any(ord(c) < 32 for c in url):
        raise ValueError("should be a URL of apprise, like slack://... or ntfys://...")
    scheme = found[1].lower()
    if scheme in NOT_BY_APPRISE:
        raise ValueError("this service of apprise is not offered; use a channel of the kind webhook or email")
    return scheme


def destination_of(settings: ChannelSettings, secrets: ChannelSecrets) -> str:
    """What is shown of where the channel leads. Raises ValueError when the URL is missing or of another kind."""
    if settings.kind is ChannelKind.EMAIL:
        if settings.email is None:
            raise ValueError("a channel of this kind needs its server, in email")
        return f"{settings.email.host}:{settings.email.port}"
    if settings.email is not None:
        raise ValueError("only a channel of the kind email has a mail server")
    if secrets.url is None:
        raise ValueError("the URL is needed")
    url = secrets.url.get_secret_value()
    return webhook_destination(url) if settings.kind is ChannelKind.WEBHOOK else apprise_destination(url)


def belonging(channel_id: str, settings: ChannelSettings) -> str:
    """What a channel's sealed secrets belong to, in one spelling: beside another destination they do not open."""
    facts: dict[str, Any] = {"channel": channel_id, "kind": settings.kind.value, "destination": settings.destination}
    if settings.email is not None:
        facts["email"] = settings.email.model_dump(include={"host", "port", "security", "username"})
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


class ChannelTest(BaseModel):
    """The request for a test of a saved channel, over the bus."""

    model_config = ConfigDict(frozen=True)

    channel_id: ChannelId


class ChannelTested(BaseModel):
    """What came of a test."""

    model_config = ConfigDict(frozen=True)

    success: bool
    detail: str = Field(description="What the other side said, or why nothing was sent.")
