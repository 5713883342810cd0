"""The reader of SMTP TLS reports (RFC 8460)."""
