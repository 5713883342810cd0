"""OAuth 2 for a mailbox: the provider, the grant, and where its tokens come from; pure.

A `refresh_token` grant (RFC 6749 section 6) stands for a person who signed in once, `client_credentials` (section 4.4)
for an application that an administrator let in.
"""

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pipeline.contracts.setting import Section, Setting, Widget, misplaced


class OAuthProvider(StrEnum):
    """Whose endpoints and scope are known."""

    GOOGLE = "google"
    MICROSOFT = "microsoft"
    CUSTOM = "custom"


class OAuthGrant(StrEnum):
    """On what ground the provider gives an access token."""

    REFRESH_TOKEN = "refresh_token"  # noqa: S105 the name of a grant
    CLIENT_CREDENTIALS = "client_credentials"


def _protected(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        raise ValueError("should look like https://login.example.com/token")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("should start with https://, as secrets are sent there")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("should hold no user name, password or fragment")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Endpoint = Annotated[Text, AfterValidator(_protected)]
Tenant = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9.-]{1,255}$")]

_PROVIDERS = {"google": "Google", "microsoft": "Microsoft 365", "custom": "Another provider"}
_GRANTS = {
    "refresh_token": "Refresh token (a person who signed in once)",
    "client_credentials": "Client credentials (an application)",
}
_SHARED_TENANTS = frozenset(("common", "organizations", "consumers"))
_GOOGLE = {
    "token": "https://oauth2.googleapis.com/token",
    "device": "https://oauth2.googleapis.com/device/code",
    "authorization": "https://accounts.google.com/o/oauth2/v2/auth",
}
_MICROSOFT = {
    "token": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    "device": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode",
    "authorization": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
}
_ENDPOINTS = {OAuthProvider.GOOGLE: _GOOGLE, OAuthProvider.MICROSOFT: _MICROSOFT, OAuthProvider.CUSTOM: {}}
_SCOPES = {
    (OAuthProvider.GOOGLE, OAuthGrant.REFRESH_TOKEN): "https://mail.google.com/",
    (OAuthProvider.MICROSOFT, OAuthGrant.REFRESH_TOKEN): (
        "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    ),
    (OAuthProvider.MICROSOFT, OAuthGrant.CLIENT_CREDENTIALS): "https://outlook.office365.com/.default",
}


class OAuthSettings(BaseModel):
    """How a mailbox with `auth="xoauth2"` gets its access tokens; the secrets are with the mailbox's other secrets.

    `token_endpoint`, `device_endpoint`, `authorization_endpoint` and `scope` are known for Google and Microsoft; what
    is given here counts instead. `tenant` is Microsoft's: a domain, an id, or "common".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Annotated[OAuthProvider, Setting(Section.OAUTH, Widget.CHOICE, choices=_PROVIDERS)] = Field(
        OAuthProvider.CUSTOM, title="Provider", description="Who keeps the account."
    )
    grant: Annotated[OAuthGrant, Setting(Section.OAUTH, Widget.CHOICE, choices=_GRANTS)] = Field(
        OAuthGrant.REFRESH_TOKEN, title="Grant", description="On what ground the provider gives access."
    )
    tenant: Annotated[Tenant, Setting(Section.OAUTH, hints={"spellcheck": "false"})] = Field(
        "common", title="Tenant", description="Microsoft 365 only: your domain, the tenant's id, or `common`."
    )
    client_id: Annotated[
        Text, Field(min_length=1), Setting(Section.OAUTH, ask="Enter the client id.", hints={"spellcheck": "false"})
    ] = Field(title="Client id", description="Of the application that you registered at the provider.")
    token_endpoint: Annotated[Endpoint | None, Setting(Section.ENDPOINTS)] = Field(
        None,
        title="Token endpoint",
        description="For another provider, or a national cloud: where tokens are issued, an address that starts with"
        " https://.",
    )
    device_endpoint: Annotated[Endpoint | None, Setting(Section.ENDPOINTS)] = Field(
        None,
        title="Device endpoint",
        description="For another provider: where `dmarq mailbox authorize` asks for a device code.",
    )
    authorization_endpoint: Annotated[Endpoint | None, Setting(Section.ENDPOINTS)] = Field(
        None,
        title="Sign-in page",
        description="For another provider: where the browser signs in.",
    )
    scope: Annotated[Text, Setting(Section.ENDPOINTS)] = Field(
        "", title="Scope", description="What is asked for. Empty: the provider's usual one."
    )

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.provider is OAuthProvider.CUSTOM and self.token_endpoint is None:
            raise misplaced("token_endpoint", "A provider of your own needs its token_endpoint: enter it.")
        if self.grant is OAuthGrant.REFRESH_TOKEN:
            return self
        if self.provider is OAuthProvider.GOOGLE:
            raise misplaced(
                "grant", "Google offers no client credentials for IMAP: use refresh_token, a person who signs in once."
            )
        if self.provider is OAuthProvider.MICROSOFT and self.tenant in _SHARED_TENANTS:
            raise misplaced("tenant", "Client credentials need the tenant: enter its domain or its id.")
        return self

    @property
    def token_url(self) -> str:
        """Where tokens are issued."""
        return self.token_endpoint or self._known("token")

    @property
    def device_url(self) -> str:
        """Where a device code is asked for (RFC 8628); "" where none is known."""
        return self.device_endpoint or self._known("device")

    @property
    def authorization_url(self) -> str:
        """Where a person signs in with a browser; "" where none is known."""
        return self.authorization_endpoint or self._known("authorization")

    @property
    def scopes(self) -> str:
        """The scope to ask for; "" leaves it to the provider."""
        return self.scope or _SCOPES.get((self.provider, self.grant), "")

    def _known(self, endpoint: str) -> str:
        return _ENDPOINTS[self.provider].get(endpoint, "").format(tenant=self.tenant)
