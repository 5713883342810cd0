"""Whom the fetcher signs in as, where, and how long it waits for answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.contracts.connection_test import Weakness, weaknesses
from pipeline.contracts.mailbox import MailboxSettings, ProxySettings, Security

ProtocolLog = Callable[[str, str, Mapping[str, object]], None]
"""Called with a level ("debug", "info", "warning"), what happened, and the facts. It is never given a secret."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """In seconds. `connect_s` runs to the greeting, TLS included; `quiet_s` is the longest silence inside a command;
    `command_s` bounds a whole command, however busily a server drips.

    `idle_s` is the longest IDLE before it is renewed, `farewell_s` how long its end may take. RFC 2177 allows 29
    minutes, but together they are below one, so that a connection that died in silence is noticed within a minute.
    """

    connect_s: float = 20
    quiet_s: float = 45
    command_s: float = 900
    idle_s: float = 40
    farewell_s: float = 15


@dataclass(frozen=True, slots=True)
class Account:
    """`secret` is the password, or the access token for "xoauth2"; it never shows in a repr."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    auth: Literal["password", "xoauth2"] = "password"
    security: Security = Security.TLS
    verify_certificate: bool = True
    ca_certificate: str | None = None
    pinned_certificate: str | None = None
    proxy: ProxySettings | None = None
    proxy_password: str = field(default="", repr=False)
    deadlines: Deadlines = field(default_factory=Deadlines)
    weaknesses: tuple[Weakness, ...] = ()

    @classmethod
    def of(
        cls, settings: MailboxSettings, *, secret: str, proxy_password: str = "", deadlines: Deadlines | None = None
    ) -> "Account":
        """The account of a configured mailbox, with the password or access token that is valid now."""
        return cls(
            host=settings.host,
            port=settings.port,
            username=settings.username,
            secret=secret,
            auth=settings.auth,
            security=settings.security,
            verify_certificate=settings.verify_certificate,
            ca_certificate=settings.ca_certificate,
            pinned_certificate=settings.pinned_certificate,
            proxy=settings.proxy,
            proxy_password=proxy_password,
            deadlines=deadlines or Deadlines(),
            weaknesses=weaknesses(settings),
        )
