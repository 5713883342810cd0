"""The TLS context of a mailbox: certificates are verified unless the user said otherwise, TLS 1.2 is the floor."""

import hashlib
import hmac
import ssl

from fetcher.imap.faults import ImapFault
from pipeline.contracts.connection_test import Category


def client_context(
    *, verify_certificate: bool, ca_certificate: str | None, pinned_certificate: str | None = None
) -> ssl.SSLContext:
    """A context for one mailbox. With a pinned certificate nothing else is checked here: see `ensure_pinned`.

    `ca_certificate`: PEM text with one or more certificates; then these alone are trusted, as somebody who runs an
    internal CA means it. Raises ImapFault (tls) when it cannot be read.
    """
    try:
        context = ssl.create_default_context(cadata=ca_certificate or None)
    except (ssl.SSLError, ValueError) as error:
        detail = "the CA certificate cannot be read: paste it in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE"
        raise ImapFault(Category.TLS, detail) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pinned_certificate is not None or not verify_certificate:
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
