"""The proxy that a mailbox is reached through."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


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
