"""A failure report put together again: the email of RFC 5965 round the sample that another tool kept. Pure."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from dmarq.foreign.document import NotRebuilt

_FIELDS: Final = {
    "Feedback-Type": "feedback_type",
    "User-Agent": "user_agent",
    "Version": "version",
    "Original-Envelope-Id": "original_envelope_id",
    "Original-Mail-From": "original_mail_from",
    "Original-Rcpt-To": "original_rcpt_to",
    "Arrival-Date": "arrival_date",
    "Authentication-Results": "authentication_results",
    "DKIM-Domain": "dkim_domain",
    "Delivery-Result": "delivery_result",
    "Auth-Failure": "auth_failure",
    "Reported-Domain": "reported_domain",
    "Identity-Alignment": "authentication_mechanisms",
}


def failure_mail(entry: Mapping[str, Any]) -> bytes:
    """The email. Raises NotRebuilt where the entry has nothing to report."""
    source = entry.get("source") or {}
    values = {field: entry.get(name) for field, name in _FIELDS.items()} | {"Source-IP": source.get("ip_address")}
    fields = "".join(f"{field}: {_one_line(value)}\n" for field, value in values.items() if value)
    if not entry.get("feedback_type") or not source.get("ip_address"):
        raise NotRebuilt("a failure report without its type or source")
    sample = str(entry.get("sample") or "") or "\n"
    boundary = f"=_rebuilt_{sha256(sample.encode('utf-8', 'replace')).hexdigest()}"  # no sample holds its own digest
    parts = (
        "X-DMARQ-Rebuilt-From: parsedmarc\n"
        f"Subject: {_one_line(entry.get('subject') or 'Failure report')}\n"
        "MIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=feedback-report; boundary="{boundary}"\n\n'
        f"--{boundary}\nContent-Type: text/plain\n\nPut together again from what parsedmarc kept.\n"
        f"--{boundary}\nContent-Type: message/feedback-report\n\n{fields}\n"
        f"--{boundary}\nContent-Type: message/rfc822\n\n{sample}\n"
        f"--{boundary}--\n"
    )
    return parts.encode("utf-8", "replace")


def _one_line(value: Any) -> str:
    """The value in a header field: nothing in it can begin another one."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return " ".join(text.split())
