"""What holds for every request and every answer: the host that was meant, the headers that browsers obey."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, request

from config_api.access import csrf, guard
from config_api.backend import Backend
from config_api.errors import not_found
from config_api.web.problem import Problem

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=31536000"
PROBES = frozenset({"/healthz", "/readyz"})
LOCAL = "localhost"


def protect(app: Flask, backend: Backend) -> None:
    """Adds both to the application."""
    public = urlsplit(backend.settings.public_url)
    listening = backend.settings.http_address.rpartition(":")[0]
    known = {LOCAL, listening, (public.hostname or "")} - {""}

    app.before_request(refuse_nul)

    @app.before_request
    def refuse_foreign_host() -> None:
        """A name that an attacker's DNS gives our address must not get an answer (DNS rebinding)."""
        if request.path in PROBES or is_own_host(request.host, known):
            return
        if not guard.is_known_program():
            raise Problem(
                421, "Not the right address", "Set DMARQ_PUBLIC_URL to the address that users reach config-api at."
            )

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if public.scheme == "https":
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        if not request.path.startswith(app.static_url_path or "/static"):
            response.headers.setdefault("Cache-Control", "no-store")
        return csrf.keep_visitor(response)


def refuse_nul() -> None:
    """Nothing of ours has it in its name, and PostgreSQL takes no text that has."""
    if "\0" in request.path:
        raise not_found("page")


def is_own_host(host: str, known: set[str]) -> bool:
    """Whether a Host header means us: an address, which no DNS is asked for, or a name of ours."""
    name = re.sub(r":\d+$", "", host).strip("[]").lower()
    try:
        ip_address(name)
    except ValueError:
        return name in known
    return True
