"""The code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636): there, and back with claims that hold."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import time
from typing import Any, cast
from urllib.parse import quote

import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError

from config_api.access.hashing import new_secret, same
from config_api.access.oidc.claims import Refused
from config_api.access.oidc.provider import Provider
from pipeline.secrets import BadSecretKey, Keyring
from pipeline.settings import Settings

log = structlog.get_logger(__name__)

CALLBACK = "/sign-in/provider/callback"
LIFE = 600  # seconds that somebody may take at the provider
LEEWAY = 60  # seconds that clocks may differ
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
SEALED_FOR = "sign-in with a provider"
MAX_TOKEN = 64 * 1024  # characters of an ID token
MAX_STARTED = 4000  # characters of the cookie
UNREADABLE = (JoseError, ValueError, TypeError, RecursionError)  # what reading a token may end with, whatever it is


@dataclass(frozen=True, slots=True)
class Started:
    """What a browser must bring back, sealed in a cookie of its own. `until`: seconds since 1970."""

    state: str
    nonce: str
    verifier: str
    next: str
    until: float

    def sealed(self, keys: Keyring) -> str:
        """The cookie's value."""
        return keys.seal(json.dumps(asdict(self)), belongs_to=SEALED_FOR)

    @classmethod
    def opened(cls, cookie: str, keys: Keyring) -> "Started":
        """What is in the cookie. Raises Refused where it is none of ours, or too old."""
        try:
            if len(cookie) > MAX_STARTED:
                raise BadSecretKey("too long")
            found = cls(**json.loads(keys.open(cookie, belongs_to=SEALED_FOR)))
        except (BadSecretKey, ValueError, TypeError):
            raise Refused("The sign-in was begun elsewhere, or too long ago. Begin again.") from None
        if found.until < time():
            raise Refused("The sign-in took too long. Begin again.")
        return found


class Flow:
    """Signing in to one application with one provider."""

    def __init__(self, settings: Settings, provider: Provider | None = None) -> None:
        self.provider = provider or Provider(settings.oidc_issuer)
        self._settings = settings
        self._secret = settings.oidc_client_secret.get_secret_value()
        base = settings.public_url or f"http://{settings.http_address}"
        self._callback = base.rstrip("/") + CALLBACK

    async def begin(self, target: str) -> tuple[str, Started]:
        """The address at the provider, and what to keep meanwhile. Raises Unavailable."""
        started = Started(new_secret(), new_secret(), new_secret(), target[:500], time() + LIFE)
        address = prepare_grant_uri(
            (await self.provider.metadata())["authorization_endpoint"],
            self._settings.oidc_client_id,
            "code",
            redirect_uri=self._callback,
            scope=self._settings.oidc_scopes,
            state=started.state,
            nonce=started.nonce,
            code_challenge=create_s256_code_challenge(started.verifier),
            code_challenge_method="S256",
        )
        return cast(str, address), started

    async def finish(self, answer: Mapping[str, str], started: Started, *, wants: tuple[str, ...]) -> Mapping[str, Any]:
        """The claims of who came back; of those it `wants`, what the ID token lacks is asked for.

        Raises Refused where anything does not fit, Unavailable.
        """
        code = await self._code(answer, started)
        tokens = await self.provider.tokens(self._token_request(code, started), self._authentication())
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or len(id_token) > MAX_TOKEN:
            raise _refused("no_id_token")
        access = access_token if isinstance(access_token, str) else ""
        claims = await self._claims(id_token, started, access)
        if access and any(name not in claims for name in wants):
            more = await self.provider.user_info(access)
            if more and more.get("sub") != claims["sub"]:
                raise _refused("user_info_of_another")
            return {**more, **claims}
        return claims

    async def _code(self, answer: Mapping[str, str], started: Started) -> str:
        if not same(answer.get("state", "").encode(), started.state.encode()):
            raise Refused("The answer belongs to another sign-in. Begin again.")
        if "error" in answer:
            log.warning("provider_refused", error=answer["error"][:100])
            raise Refused("The provider did not sign you in.")
        names_itself = (await self.provider.metadata()).get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", "" if names_itself else self.provider.issuer) != self.provider.issuer:  # RFC 9207
            raise _refused("answer_of_another_issuer")
        if not answer.get("code"):
            raise _refused("no_code")
        return answer["code"]

    def _token_request(self, code: str, started: Started) -> str:
        more = {"code_verifier": started.verifier}
        if not self._secret:
            more["client_id"] = self._settings.oidc_client_id
        return cast(str, prepare_token_request("authorization_code", code=code, redirect_uri=self._callback, **more))

    def _authentication(self) -> str:
        """The header for the token endpoint (RFC 6749, section 2.3.1); empty for a public client."""
        if not self._secret:
            return ""
        pair = f"{quote(self._settings.oidc_client_id, safe='')}:{quote(self._secret, safe='')}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    async def _claims(self, id_token: str, started: Started, access_token: str) -> Mapping[str, Any]:
        """The claims of an ID token whose signature, issuer, audience, times and nonce are right (section 3.1.3.7)."""
        try:
            header = jws.extract_compact(id_token.encode()).headers()
        except UNREADABLE:
            raise _refused("id_token_unreadable") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _refused("algorithm_not_allowed")
        for key in await self.provider.keys(kid if isinstance(kid, str) else None):
            try:
                found = jwt.decode(id_token, key, algorithms=[algorithm])
            except UNREADABLE:
                continue
            return self._checked(dict(found.claims), dict(found.header), started, access_token)
        raise _refused("signature_of_no_known_key")

    def _checked(
        self, claims: dict[str, Any], header: dict[str, Any], started: Started, access_token: str
    ) -> Mapping[str, Any]:
        client_id = self._settings.oidc_client_id
        options: dict[str, Any] = {
            "iss": {"essential": True, "value": self.provider.issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
        }
        params = {"nonce": started.nonce, "client_id": client_id, "access_token": access_token}
        try:
            CodeIDToken(claims, header, options, params).validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise _refused(f"claims: {error}"[:200]) from None
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise _refused("subject_unreadable")
        return claims


def _refused(why: str) -> Refused:
    log.warning("sign_in_refused", why=why)
    return Refused("What the provider sent does not fit. The log of config-api says what.")
