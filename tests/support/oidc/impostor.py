"""A provider of our own, on loopback, whose every answer a test can bend."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from dmarq.embedded.programs import LOOPBACK

KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"use": "sig", "kid": kid}) for kid in ("first", "first"))
CLIENT_ID = "dmarq"


@dataclass
class Impostor:
    """`claims` are put into the ID token, over what would be right; `header` into its header; `key` signs it.

    `callback`: where a browser that comes to it is sent back to, at once, with a code.
    `answers`: what a path answers with instead, as (status, headers, body). `asked`: forms that came to the token
    endpoint.
    """

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    key: Any = field(default_factory=lambda: KEY)
    user_info: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    nonce: str = ""
    callback: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if path in self.answers:
            return self.answers[path]
        if path == "/auth":
            self.nonce = form["nonce"]
            return 302, {"Location": f"{self.callback}?{urlencode({'state': form['state'], 'code': 'a-code'})}"}, b""
        made: dict[str, Callable[[dict[str, str]], Any]] = {
            "/.well-known/openid-configuration": self._described,
            "/keys": lambda _: {
                "keys": [{"kty": "unheard of"}, KEY.as_dict(private=False), {"kty": "oct", "k": "AAAA"}]
            },
            "/token": self._tokens,
            "/me": lambda _: self.user_info,
        }
        if path not in made:
            return 404, {}, b"{}"
        return 200, {"Content-Type": "application/json"}, json.dumps(made[path](form)).encode()

    def _described(self, _: dict[str, str]) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/me",
            "jwks_uri": f"{self.issuer}/keys",
            **self.metadata,
        }

    def _tokens(self, form: dict[str, str]) -> dict[str, Any]:
        self.asked.append(form)
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token()}

    def id_token(self) -> str:
        """Signed as the fields say; by the public key as a shared secret, or by nobody, where the header says so."""
        header = {"alg": "RS256", "kid": "first", **self.header}
        now = int(time.time())
        right = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "someone", "exp": now + 300, "iat": now, "nonce": self.nonce,
            "email": "someone@example.com", "email_verified": True,
        }  # fmt: skip
        claims = {name: value for name, value in {**right, **self.claims}.items() if name not in self.without}
        if header["alg"] in ("HS256", "none"):
            parts = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
            signature = b"" if header["alg"] == "none" else digest(KEY.as_pem(private=False), parts, "sha256")
            return (parts + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()
        return jwt.encode(header, claims, self.key)


@contextmanager
def running_impostor() -> Iterator[Impostor]:
    """The provider, listening inside the block."""
    impostor = Impostor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _answer(self, sent: str) -> None:
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            status, headers, body = impostor.answer(urlsplit(self.path).path, form)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        impostor.issuer = f"http://{LOOPBACK}:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield impostor
        finally:
            server.shutdown()
            thread.join()
