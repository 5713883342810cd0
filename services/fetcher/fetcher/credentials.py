"""What a mailbox is signed in with now: its password, or an access token that is valid: kept while it lasts, renewed
before it expires, by one task at a time.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import structlog

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession, OpenSession
from fetcher.imap.transport.account import Account, Deadlines, ProtocolLog
from fetcher.oauth import Issued, TokenEndpoint, TokenFault, read_issued, renewal_form
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings, ProxySettings
from pipeline.contracts.oauth import OAuthGrant, OAuthSettings
from pipeline.errors import TryLater
from pipeline.jetstream.tokens import KeptTokens, TokenBucket

log = structlog.get_logger(__name__)

RENEW_BEFORE = timedelta(minutes=2)


class TokenSource:
    """The access tokens of all mailboxes of this process, by grant: mailboxes with the same grant share a token.

    One at a time asks for a grant's token, whatever proxy its mailbox goes through: two that renew at once would
    present the same refresh token twice, for which some providers withdraw it.

    A refresh token that the provider replaced is kept in the bucket, encrypted; the settings' own is the fallback.
    """

    def __init__(self, kept: TokenBucket) -> None:
        self._kept = kept
        self._known: dict[str, KeptTokens] = {}
        self._one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def access_token(
        self, oauth: OAuthSettings, secrets: MailboxSecrets, *, proxy: ProxySettings | None = None, rejected: str = ""
    ) -> str:
        """A token that has not expired, and is not the one that the mail server has `rejected`.

        Raises TokenFault when the provider gives none, TryLater while the broker, which keeps them, is away.
        """
        grant = _fingerprint(oauth, secrets)
        async with self._one_at_a_time[grant]:
            known = self._known.get(grant) or await self._recalled(grant, oauth)
            if known is None or known.access_token == rejected or known.expires_at - _now() < RENEW_BEFORE:
                endpoint = TokenEndpoint(proxy, proxy_password=secrets.proxy_password.get_secret_value())
                known = await self._renewed(grant, oauth, secrets, endpoint)
            self._known[grant] = known
            return known.access_token

    async def _renewed(
        self, grant: str, oauth: OAuthSettings, secrets: MailboxSecrets, endpoint: TokenEndpoint
    ) -> KeptTokens:
        refusal = TokenFault(Category.AUTH_EXPIRED, "no refresh token is saved: authorize the mailbox")
        async for refresh_token in self._refresh_tokens(grant, oauth, secrets):
            form = renewal_form(
                oauth, refresh_token=refresh_token, client_secret=secrets.client_secret.get_secret_value()
            )
            try:
                issued = read_issued(*await endpoint.ask(oauth.token_url, form))
            except TokenFault as fault:
                if fault.code != "invalid_grant":
                    raise
                refusal = fault
                continue
            return await self._keep(grant, oauth, _tokens(issued, refresh_token))
        raise refusal

    async def _refresh_tokens(self, grant: str, oauth: OAuthSettings, secrets: MailboxSecrets) -> AsyncIterator[str]:
        """What to try: the latest that this or another process was given, then the one of the settings."""
        if oauth.grant is OAuthGrant.CLIENT_CREDENTIALS:
            yield ""
            return
        tried = {""}
        for known in (self._known.get(grant), await self._recalled(grant, oauth)):
            if known is not None and known.refresh_token not in tried:
                tried.add(known.refresh_token)
                yield known.refresh_token
        configured = secrets.refresh_token.get_secret_value()
        if configured not in tried:
            yield configured

    async def _recalled(self, grant: str, oauth: OAuthSettings) -> KeptTokens | None:
        return await self._kept.get(grant) if oauth.grant is OAuthGrant.REFRESH_TOKEN else None

    async def _keep(self, grant: str, oauth: OAuthSettings, tokens: KeptTokens) -> KeptTokens:
        log.info("token_renewed", provider=oauth.provider, expires_at=tokens.expires_at.isoformat())
        self._known[grant] = tokens
        if oauth.grant is OAuthGrant.REFRESH_TOKEN:
            try:
                await self._kept.put(grant, tokens)
            except TryLater as error:  # the token is good all the same; the next renewal is kept again
                log.warning("token_not_kept", detail=error.detail[:200])
        return tokens


def _fingerprint(oauth: OAuthSettings, secrets: MailboxSecrets) -> str:
    """The same for the same sign-in, whichever mailbox uses it. A refresh token is too long to be guessed from it."""
    secret = secrets.refresh_token if oauth.grant is OAuthGrant.REFRESH_TOKEN else secrets.client_secret
    parts = (oauth.token_url, oauth.client_id, oauth.scopes, oauth.grant.value, secret.get_secret_value())
    return sha256("\0".join(parts).encode()).hexdigest()


def _tokens(issued: Issued, refresh_token: str) -> KeptTokens:
    return KeptTokens(
        access_token=issued.access_token,
        expires_at=_now() + timedelta(seconds=issued.lifetime_s),
        refresh_token=issued.refresh_token or refresh_token,
    )


def _now() -> datetime:
    return datetime.now(UTC)


# A token that was issued a moment ago: to sign in with the provider once more would change nothing.
_NEW_TOKEN_REFUSED = {
    OAuthGrant.REFRESH_TOKEN: "the server rejects a new access token too: check the user name, that IMAP is switched on"
    " for the mailbox, that whoever signed in with the provider may open it, and the scope",
    OAuthGrant.CLIENT_CREDENTIALS: "the server rejects a new access token too: check the user name, that IMAP is"
    " switched on for the mailbox, the scope, and that the application was given access (Exchange: a service principal"
    " with FullAccess to the mailbox)",
}


class Credentials:
    """Opens signed-in sessions, by `open_session` with what an account is signed in with now."""

    def __init__(self, tokens: TokenSource, open_session: OpenSession) -> None:
        self._tokens = tokens
        self._open_session = open_session

    async def session(
        self,
        settings: MailboxSettings,
        secrets: MailboxSecrets,
        *,
        log: ProtocolLog,
        deadlines: Deadlines | None = None,
    ) -> MailSession:
        """A signed-in session.

        A server may refuse a token before it expires (a changed password revokes it), so that one new token is tried.
        Raises ImapFault, and TryLater while the broker, which keeps the tokens, is away.
        """
        secret = await self._secret(settings, secrets)
        try:
            return await self._open_session(_account(settings, secrets, secret, deadlines), log=log)
        except ImapFault as fault:
            if fault.category is not Category.AUTH_EXPIRED or settings.oauth is None or settings.auth == "password":
                raise
        secret = await self._secret(settings, secrets, rejected=secret)
        try:
            return await self._open_session(_account(settings, secrets, secret, deadlines), log=log)
        except ImapFault as fault:
            if fault.category is not Category.AUTH_EXPIRED:
                raise
            raise ImapFault(
                Category.AUTHENTICATION, _NEW_TOKEN_REFUSED[settings.oauth.grant], code=fault.code, said=fault.said
            ) from fault

    async def _secret(self, settings: MailboxSettings, secrets: MailboxSecrets, *, rejected: str = "") -> str:
        if settings.auth == "password":
            return secrets.password.get_secret_value()
        if settings.oauth is not None:
            return await self._tokens.access_token(settings.oauth, secrets, proxy=settings.proxy, rejected=rejected)
        token = secrets.access_token.get_secret_value()
        if not token:
            raise TokenFault(Category.AUTH_EXPIRED, "no access token is saved: authorize the mailbox")
        return token


def _account(settings: MailboxSettings, secrets: MailboxSecrets, secret: str, deadlines: Deadlines | None) -> Account:
    proxy_password = secrets.proxy_password.get_secret_value()
    return Account.of(settings, secret=secret, proxy_password=proxy_password, deadlines=deadlines)
