"""A person's sign-in with a provider in a browser (RFC 6749 section 4.1) with PKCE (RFC 7636): where it begins."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pipeline.contracts.oauth import OAuthProvider, OAuthSettings

# Without these two Google gives a refresh token only at the very first sign-in.
_EXTRA = {OAuthProvider.GOOGLE: {"access_type": "offline", "prompt": "consent"}}


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in: `state` ties the browser's return to it, `verifier` the code to whoever began it."""

    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def link(self, oauth: OAuthSettings, *, username: str = "") -> str:
        """Where the browser starts. `username`: whose mailbox it is, so that the provider need not ask."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": oauth.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": oauth.scopes,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **({"login_hint": username} if username else {}),
            **_EXTRA.get(oauth.provider, {}),
        }
        joint = "&" if "?" in oauth.authorization_url else "?"
        return f"{oauth.authorization_url}{joint}{urlencode(query)}"
