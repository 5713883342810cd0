"""The TLS context of a mailbox: certificates are verified unless the user said otherwise, TLS 1.2 is the floor."""

import ssl

from fetcher.imap.faults import ImapFault
from pipeline.contracts.connection_test import Category


def client_context(*, verify_certificate: bool, ca_certificate: str | None) -> ssl.SSLContext:
    """A context for one mailbox.

    `ca_certificate`: PEM text with one or more certificates; then these alone are trusted, as somebody who runs an
    internal CA means it. Raises ImapFault (tls) when it cannot be read.
    """
    try:
        context = ssl.create_default_context(cadata=ca_certificate or None)
    except (ssl.SSLError, ValueError) as error:
        detail = "the CA certificate cannot be read: paste it in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE"
        raise ImapFault(Category.TLS, detail) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
