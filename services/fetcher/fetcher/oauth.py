"""The token endpoint of an OAuth 2 provider: what is asked of it, what its answer means (RFC 6749 sections 4.1, 4.4, 5
and 6), and how the form gets there; the answer is bounded.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError, ProxyType

from fetcher.imap.grammar.faults import ImapFault
from pipeline.contracts.connection_test import Category
from pipeline.contracts.limits import KiB
from pipeline.contracts.mailbox import ProxySettings
from pipeline.contracts.oauth import OAuthGrant, OAuthSettings

DEFAULT_LIFETIME_S = 3600.0  # where the answer does not say (RFC 6749 section 5.1 recommends that it does)
MAX_LIFETIME_S = 7 * 24 * 3600.0
MAX_TOKEN_CHARACTERS = 100_000
MAX_DETAIL_CHARACTERS = 300

Form = dict[str, str]


class TokenFault(ImapFault):
    """The provider gave no token. `code` is the error word of its answer, such as "invalid_grant"."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token. `refresh_token` is the one to use from now on; "" means that the old one stays."""

    access_token: str = field(repr=False)
    lifetime_s: float
    refresh_token: str = field(default="", repr=False)


_BY_ERROR = {
    "invalid_grant": (
        Category.AUTH_EXPIRED,
        "the provider no longer accepts this sign-in: authorize the mailbox again",
    ),
    "interaction_required": (Category.AUTH_EXPIRED, "the provider wants you to sign in again: authorize the mailbox"),
    "login_required": (Category.AUTH_EXPIRED, "the provider wants you to sign in again: authorize the mailbox"),
    "consent_required": (Category.AUTH_EXPIRED, "the provider wants your consent again: authorize the mailbox"),
    "access_denied": (Category.AUTH_EXPIRED, "the sign-in was refused: authorize the mailbox again and agree"),
    "authorization_declined": (
        Category.AUTH_EXPIRED,
        "the sign-in was declined: authorize the mailbox again and agree",
    ),
    "expired_token": (Category.AUTH_EXPIRED, "the code was not entered in time: start again"),
    "invalid_client": (Category.AUTHENTICATION, "the provider does not accept client_id or client_secret: check them"),
    "deleted_client": (Category.AUTHENTICATION, "the provider no longer knows this client: register it again"),
    "admin_policy_enforced": (
        Category.AUTHENTICATION,
        "the organisation's administrator does not allow this client: ask to have it allowed",
    ),
    "org_internal": (
        Category.AUTHENTICATION,
        "the client is for accounts of its own organisation only: use one of these",
    ),
    "unauthorized_client": (Category.AUTHENTICATION, "the provider does not allow this client this grant: check it"),
    "unsupported_grant_type": (Category.AUTHENTICATION, "the provider does not offer this grant: choose the other"),
    "invalid_scope": (Category.AUTHENTICATION, "the provider does not know the scope: check it"),
    "invalid_request": (Category.AUTHENTICATION, "the provider does not understand the request: check the endpoint"),
    "slow_down": (Category.THROTTLED, "the provider limits token requests: try again later"),
    "temporarily_unavailable": (Category.CONNECTIVITY, "the provider's token service is not available now"),
    "server_error": (Category.CONNECTIVITY, "the provider's token service failed"),
}
_BY_STATUS = {
    429: (Category.THROTTLED, "the provider limits token requests: try again later"),
    404: (Category.AUTHENTICATION, "there is no token endpoint at this address: check it"),
    401: (Category.AUTHENTICATION, "the provider does not accept client_id or client_secret: check them"),
}
_UNKNOWN = (Category.CONNECTIVITY, "the provider gave no token")


def renewal_form(oauth: OAuthSettings, *, refresh_token: str, client_secret: str) -> Form:
    """The form that asks for a new access token; empty values are left out."""
    form = {"grant_type": oauth.grant.value, "client_id": oauth.client_id, "client_secret": client_secret}
    if oauth.grant is OAuthGrant.REFRESH_TOKEN:
        # No scope: a renewed token has what was granted, and some providers refuse to be asked for the same again.
        return _filled(form | {"refresh_token": refresh_token})
    return _filled(form | {"scope": oauth.scopes})


def code_form(oauth: OAuthSettings, *, code: str, verifier: str, redirect_uri: str, client_secret: str) -> Form:
    """The form that exchanges the code of a sign-in for tokens (section 4.1.3; RFC 7636 section 4.5)."""
    return _filled(
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": oauth.client_id,
            "client_secret": client_secret,
            "code_verifier": verifier,
        }
    )


def read_issued(status: int, body: bytes) -> Issued:
    """The token in an answer. Raises TokenFault for a refusal and for what is no answer of a token endpoint."""
    answer = read_answer(status, body)
    access_token = _text(answer, "access_token")
    if not access_token or not access_token.isascii() or not access_token.isprintable():
        raise TokenFault(Category.CONNECTIVITY, "the provider's answer holds no access token: check the endpoint")
    return Issued(access_token, _lifetime(answer.get("expires_in")), _text(answer, "refresh_token"))


def read_answer(status: int, body: bytes) -> Mapping[str, object]:
    """The JSON object of a good answer. Raises TokenFault for a refusal, an error and for nonsense."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    raise _fault(status, answer if isinstance(answer, dict) else {})


def _fault(status: int, answer: Mapping[str, object]) -> TokenFault:
    error = _text(answer, "error")
    category, advice = _BY_ERROR.get(error) or _BY_STATUS.get(status) or _UNKNOWN
    said = _clean(_text(answer, "error_description")) or error
    return TokenFault(category, f"{advice} (HTTP {status}{f': {said}' if said else ''})", code=error)


def _text(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) and len(value) <= MAX_TOKEN_CHARACTERS else ""


def _lifetime(value: object) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]  # some providers send a text
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME_S
    return min(seconds, MAX_LIFETIME_S) if seconds > 0 else DEFAULT_LIFETIME_S


def _clean(text: str) -> str:
    line = " ".join(text.split())[:MAX_DETAIL_CHARACTERS]
    return "".join(c if c.isprintable() else "?" for c in line)


def _filled(form: Form) -> Form:
    return {name: value for name, value in form.items() if value}


MAX_ANSWER_BYTES = 256 * KiB
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=10)


class TokenEndpoint:
    """Sends forms, through the mailbox's proxy where it has one; each over a connection of its own."""

    def __init__(self, proxy: ProxySettings | None = None, *, proxy_password: str = "") -> None:
        self._proxy = proxy
        self._proxy_password = proxy_password

    async def ask(self, url: str, form: Form) -> tuple[int, bytes]:
        """The answer's HTTP status and body. No redirect is followed: it would carry secrets elsewhere.

        Raises TokenFault when there is no answer, or one that is too large.
        """
        try:
            async with aiohttp.ClientSession(
                connector=self._connector(), timeout=TIMEOUT, auto_decompress=False
            ) as client:
                return await _ask(client, url, form)
        except TimeoutError as error:
            raise TokenFault(Category.TIMEOUT, f"{_place(url)} does not answer") from error
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLError) as error:
            raise TokenFault(Category.TLS, f"the certificate of {_place(url)} is not trusted") from error
        except (aiohttp.ClientError, ProxyConnectionError, ProxyError, ProxyTimeoutError, OSError) as error:
            raise TokenFault(
                Category.CONNECTIVITY, f"no connection to {_place(url)}: {type(error).__name__}"
            ) from error

    def _connector(self) -> aiohttp.BaseConnector:
        if self._proxy is None:
            return aiohttp.TCPConnector()
        return ProxyConnector(
            self._proxy.host,
            self._proxy.port,
            proxy_type=ProxyType[self._proxy.kind.name],
            username=self._proxy.username or None,
            password=self._proxy_password or None,
            rdns=True,
        )


async def _ask(client: aiohttp.ClientSession, url: str, form: Form) -> tuple[int, bytes]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}  # a small answer may unpack to a huge one
    async with client.post(url, data=form, headers=headers, allow_redirects=False) as answer:
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise TokenFault(Category.CONNECTIVITY, f"{_place(url)} answers with too much: check the endpoint")
        return answer.status, bytes(body)


def _place(url: str) -> str:
    """The endpoint without what may follow a "?"."""
    return url.partition("?")[0][:200]
