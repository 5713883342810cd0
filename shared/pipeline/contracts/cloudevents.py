"""What events for third parties carry in their headers: CloudEvents 1.0 attributes and a W3C trace context; pure.

The binary content mode of the CloudEvents binding for NATS: each attribute is a header `ce-<name>`, the payload is the
data. `traceparent` (W3C Trace Context, section 3.2) has the mail's id as the trace id, so a consumer's own spans join
the way of the mail.
"""

from hashlib import sha256

from pipeline.contracts.mail_events import Event
from pipeline.contracts.trace import mails_of

SPEC_VERSION = "1.0"
SOURCE = "/dmarq"
PUBLIC = ("report.", "event.")  # how the subjects begin that third parties may subscribe to


def attributes(event: Event) -> dict[str, str]:
    """The headers, by name; none for an event that only our own services read."""
    if not event.subject.startswith(PUBLIC):
        return {}
    headers = {
        "ce-specversion": SPEC_VERSION,
        "ce-id": event.key,
        "ce-source": SOURCE,
        "ce-type": f"dmarq.{event.type}.v{event.v}",
        "ce-subject": event.subject,
        "ce-datacontenttype": "application/json",
    }
    if event.occurred_at is not None:
        headers["ce-time"] = event.occurred_at.isoformat()
    mail_ids = mails_of(event)
    if mail_ids:
        headers["traceparent"] = f"00-{mail_ids[0]}-{sha256(event.key.encode()).hexdigest()[:16]}-01"
    return headers
