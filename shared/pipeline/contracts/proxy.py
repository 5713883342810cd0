"""The proxy that a mailbox is reached through."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipeline.contracts.setting import Section, Setting, Widget


class ProxyKind(StrEnum):
    """SOCKS 5 (RFC 1928), SOCKS 4a, or an HTTP proxy that allows CONNECT (RFC 9110 section 9.3.6)."""

    SOCKS5 = "socks5"
    SOCKS4 = "socks4"
    HTTP = "http"


_KINDS = {"socks5": "SOCKS 5", "socks4": "SOCKS 4a", "http": "HTTP (CONNECT)"}


class ProxySettings(BaseModel):
    """Names are resolved by the proxy. Its password is with the mailbox's other secrets (`proxy_password`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[ProxyKind, Setting(Section.PROXY, Widget.CHOICE, choices=_KINDS)] = Field(
        ProxyKind.SOCKS5, title="Proxy kind", description="What the proxy speaks."
    )
    host: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
        Setting(Section.PROXY, hints={"spellcheck": "false"}),
    ] = Field(title="Proxy server", description="Empty: no proxy.")
    port: Annotated[int, Setting(Section.PROXY, Widget.NUMBER, wrong="Enter a number from 1 to 65535.")] = Field(
        ge=1, le=65535, title="Proxy port", description="For SOCKS mostly 1080, for HTTP 3128 or 8080."
    )
    username: Annotated[
        str, StringConstraints(max_length=255), Setting(Section.PROXY, hints={"autocomplete": "off"})
    ] = Field("", title="Proxy username", description="Where the proxy asks for one.")
