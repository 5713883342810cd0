"""What a mailbox is signed in with now: its password, the access token it was given, or one that is renewed."""

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.interface import MailSession, OpenSession
from fetcher.imap.transport.account import Account, Deadlines, ProtocolLog
from fetcher.oauth import TokenFault, TokenSource
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings
from pipeline.contracts.oauth import OAuthGrant

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
