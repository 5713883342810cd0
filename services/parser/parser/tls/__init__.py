"""The reader of SMTP TLS reports (RFC 8460)."""

from parser.tls.reader import MAX_TLS_BYTES, read_tls

__all__ = ["MAX_TLS_BYTES", "read_tls"]
