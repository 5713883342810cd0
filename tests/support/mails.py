"""Mails made for tests, byte by byte, so that a test can break exactly what it wants broken."""

import base64
from collections.abc import Sequence

REPORT_SUBJECT = "Report Domain: example.com Submitter: mail.example Report-ID: 42"
REPORT_NAME = "mail.example!example.com!1739318400!1739404799.xml"


def aggregate_xml(*, domain: str = "example.com", report_id: str = "42", records: int = 1) -> bytes:
    """A small valid DMARC aggregate report (RFC 7489 appendix C)."""
    record = (
        "<record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><disposition>none</disposition>"
        "<dkim>pass</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>"
        f"{domain}</header_from></identifiers><auth_results><spf><domain>{domain}</domain><result>pass</result></spf>"
        "</auth_results></record>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feedback><report_metadata><org_name>mail.example</org_name>'
        f"<email>dmarc@mail.example</email><report_id>{report_id}</report_id><date_range><begin>1739318400</begin>"
        "<end>1739404799</end></date_range></report_metadata><policy_published>"
        f"<domain>{domain}</domain><p>none</p></policy_published>{record * records}</feedback>\n"
    ).encode()


def tls_json() -> bytes:
    """A small valid SMTP TLS report (RFC 8460)."""
    return (
        b'{"organization-name":"mail.example","date-range":{"start-datetime":"2025-02-12T00:00:00Z",'
        b'"end-datetime":"2025-02-12T23:59:59Z"},"contact-info":"tls@mail.example","report-id":"7",'
        b'"policies":[{"policy":{"policy-type":"sts","policy-domain":"example.com"},'
        b'"summary":{"total-successful-session-count":3,"total-failure-session-count":0}}]}'
    )


def part(
    data: bytes,
    declared_type: str = "application/octet-stream",
    *,
    name: str | None = None,
    encoding: str = "base64",
    headers: Sequence[str] = (),
) -> bytes:
    """A MIME part: header fields, blank line, encoded body."""
    lines = [f"Content-Type: {declared_type}", *headers]
    if name is not None:
        lines.append(f'Content-Disposition: attachment; filename="{name}"')
    if encoding:
        lines.append(f"Content-Transfer-Encoding: {encoding}")
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") if encoding == "base64" else data
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def text(words: str = "This is a report for you.", subtype: str = "plain") -> bytes:
    """A text part for humans."""
    return part(words.encode(), f"text/{subtype}; charset=utf-8", encoding="")


def mail(
    *parts: bytes,
    subject: str = REPORT_SUBJECT,
    kind: str = "multipart/mixed",
    boundary: str = "=_boundary",
    headers: Sequence[str] = (),
) -> bytes:
    """A multipart mail."""
    head = [
        "From: Reporter <dmarc@mail.example>",
        "To: rua@example.com",
        f"Subject: {subject}",
        "Message-ID: <42@mail.example>",
        "Date: Wed, 12 Feb 2025 15:59:59 -0800",
        "MIME-Version: 1.0",
        f'Content-Type: {kind}; boundary="{boundary}"',
        *headers,
    ]
    delimiter = f"--{boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + one + b"\r\n" for one in parts)
    return "\r\n".join(head).encode("utf-8") + b"\r\n\r\nThis is MIME.\r\n" + body + delimiter + b"--\r\n"


def single(one: bytes, *, subject: str = REPORT_SUBJECT) -> bytes:
    """A mail whose whole body is one part: its fields join the mail's own."""
    return f"From: dmarc@mail.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n".encode() + one


def failure_mail(*, encoding: str = "", feedback_type: str = "auth-failure", sample: bytes = b"") -> bytes:
    """A failure report (RFC 5965, RFC 6591) about `sample`."""
    feedback = (
        b"Feedback-Type: %s\r\nUser-Agent: Test/1.0\r\nVersion: 1\r\nSource-IP: 192.0.2.9\r\n" % feedback_type.encode()
    )
    reported = sample or b"From: a@example.com\r\nSubject: hello\r\n\r\nwords\r\n"
    return mail(
        text("This is a failure report."),
        part(feedback, "message/feedback-report", encoding=encoding),
        part(reported, "message/rfc822", encoding=""),
        subject="FW: hello",
        kind="multipart/report; report-type=feedback-report",
    )
