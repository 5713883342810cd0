"""TLS to a mail server: its context, and why an encrypted connection was not made, with the one step that helps.

Certificates are verified unless the user said otherwise, and TLS 1.2 is the floor. The TLS library says "unable to get
local issuer certificate" both where the server forgot its intermediate certificate and where its CA is an internal one;
what the server presents tells them apart.
"""

import hashlib
import hmac
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fetcher.imap.grammar.faults import ImapFault
from pipeline.contracts.connection_test import Category

# The certificates of all public CAs take most of a megabyte, and 20 ms to read: mailboxes share them.
SHARED_S = 3600.0  # then they are read again, for the machine's may have been renewed
MOST_SHARED = 32

# OpenSSL's X509_V_ERR_..., of `verify_code`
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED, _SELF_SIGNED_CA = 18, 19
_UNKNOWN_ISSUER = frozenset((2, 20, 21))
_WRONG_NAME = frozenset((62, 64))

# What a port that speaks without encryption looks like to TLS.
_PLAIN_PORT = frozenset(("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"))

_OWN_CA = "Paste the CA certificate (PEM) that the server's certificate was issued with."
_STEPS = {
    _EXPIRED: ("has expired", "Ask the administrator of the mail server to renew it; see that this clock is right."),
    _NOT_YET_VALID: ("is not valid yet", "Check the clock of this machine."),
    _SELF_SIGNED: ("is self-signed, so that nobody vouches for it", "Paste that certificate (PEM) as CA certificate."),
    _SELF_SIGNED_CA: ("comes from a CA that is not trusted here", _OWN_CA),
}
_NAME_STEP = "Enter the host name that the server's certificate is issued for, not an IP address or an alias."
_CHAIN_STEP = "Ask the administrator to install the full certificate chain on the mail server (often fullchain.pem)."


@dataclass(frozen=True, slots=True)
class Presented:
    """What a server presents as its certificate: how many it sends, who issued the first, whether that one says where
    its issuer's certificate is found, as those of public CAs do.
    """

    length: int
    issuer: str
    tells_issuer: bool


def client_context(
    *, verify_certificate: bool, ca_certificate: str | None, pinned_certificate: str | None = None
) -> ssl.SSLContext:
    """A context that is as this, shared with others. With a pinned certificate nothing else is checked here: see
    `ensure_pinned`.

    `ca_certificate`: PEM text with one or more certificates; then these alone are trusted, as somebody who runs an
    internal CA means it. Raises ImapFault (tls) when it cannot be read.
    """
    is_verified = verify_certificate and pinned_certificate is None
    return _shared_context(is_verified, ca_certificate or None, int(time.monotonic() / SHARED_S))


@lru_cache(maxsize=MOST_SHARED)
def _shared_context(is_verified: bool, ca_certificate: str | None, _period: int) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        detail = "the CA certificate cannot be read: paste it in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE"
        raise ImapFault(Category.TLS, detail) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint_of(ssl_object: object) -> str:
    """SHA-256 of the certificate that the peer presents, in hexadecimal; "" where there is none."""
    read = getattr(ssl_object, "getpeercert", None)
    der = read(binary_form=True) if read is not None else None
    return hashlib.sha256(der).hexdigest() if der else ""


def ensure_pinned(ssl_object: object, pinned_certificate: str | None, *, place: str) -> None:
    """Raises ImapFault (tls) where a certificate is pinned and the peer has another one; before anything is sent."""
    if pinned_certificate is None:
        return
    if not hmac.compare_digest(fingerprint_of(ssl_object), pinned_certificate):
        step = "If the administrator of the mail server renewed it, empty Trusted certificate and test again."
        raise ImapFault(Category.TLS, f"the certificate of {place} is not the one that is trusted", step=step)


def is_of_unknown_issuer(error: OSError) -> bool:
    """Whether the chain tells more than the error does."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _UNKNOWN_ISSUER


def presented_by(transport_ssl: object) -> Presented | None:
    """What the peer of an ssl object (that did not verify) presents; None where this Python does not tell."""
    chain_of = getattr(getattr(transport_ssl, "_sslobj", None), "get_unverified_chain", None)
    chain: Sequence[object] = (chain_of() or ()) if chain_of is not None else ()
    first = getattr(chain[0], "get_info", None) if chain else None
    if first is None:
        return None
    facts = first()
    names = {key: value for part in facts.get("issuer", ()) for key, value in part}
    issuer = names.get("commonName") or names.get("organizationName") or "unnamed"
    return Presented(len(chain), "".join(c if c.isprintable() else "?" for c in issuer)[:100], "caIssuers" in facts)


def certificate_fault(
    error: ssl.SSLCertVerificationError, *, place: str, presented: Presented | None = None, has_own_ca: bool = False
) -> ImapFault:
    """`has_own_ca`: whether a CA certificate was pasted, so that a missing intermediate is likelier than another CA."""
    certificate = f"the certificate of {place}"
    if error.verify_code in _STEPS:
        what, step = _STEPS[error.verify_code]
        return ImapFault(Category.TLS, f"{certificate} {what}", step=step)
    if error.verify_code in _WRONG_NAME:
        return ImapFault(Category.TLS, f"{certificate} is for another name: {error.verify_message}", step=_NAME_STEP)
    if error.verify_code not in _UNKNOWN_ISSUER or presented is None:
        return ImapFault(Category.TLS, f"{certificate} is not trusted: {error.verify_message}")
    if presented.length == 1 and (has_own_ca or presented.tells_issuer):
        what = f'cannot be checked: the server does not send the intermediate certificate "{presented.issuer}"'
        return ImapFault(Category.TLS, f"{certificate} {what}", step=_CHAIN_STEP)
    what = f'is not trusted: it was issued by "{presented.issuer}", a CA that is not known here'
    return ImapFault(Category.TLS, f"{certificate} {what}", step=_OWN_CA)


def handshake_fault(error: ssl.SSLError, *, place: str) -> ImapFault:
    """For all that is no matter of certificates."""
    reason = getattr(error, "reason", None) or "HANDSHAKE_FAILED"
    said = reason.replace("_", " ").lower()
    if reason in _PLAIN_PORT:
        detail = f"no encrypted connection to {place} ({said}): this port speaks without encryption at first"
        return ImapFault(Category.TLS, detail, step="Choose STARTTLS for this port, or port 993 for TLS.")
    return ImapFault(Category.TLS, f"no encrypted connection to {place} ({said}): check port and security")
