"""A sending in words: title and text for people, the body for a webhook; pure."""

from dataclasses import dataclass
from typing import Any

from notifier.delivery import Sending
from pipeline.notifications.rules import Urgency
from pipeline.notifications.webhook import AlertBody, WebhookBody

SIGNS = {Urgency.CRITICAL: "[critical] ", Urgency.WARNING: "", Urgency.INFO: ""}


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is sent. `html` only where there is more than the text; `body` is that of a webhook."""

    key: str
    title: str
    text: str
    urgency: Urgency
    body: WebhookBody
    html: str = ""

    @property
    def mail_id(self) -> str:
        """The email that it is about, where that is one."""
        return str((self.body.report or {}).get("mail_id", ""))


def message_of(sending: Sending) -> Message:
    """The message of a sending."""
    kind, _, payload = sending.payloads[0]
    if kind == "digest":
        return _digest(sending.key, dict(payload))
    if kind == "report":
        body = WebhookBody(id=sending.key, type="report", report=dict(payload))
        title = f"Report about {payload.get('domain', '?')} from {payload.get('org_name', '?')}"
        return Message(sending.key, title, title, Urgency.INFO, body)
    return _alerts(sending)


def trial(key: str, name: str) -> Message:
    """What the Test button sends."""
    text = f"This is a test of the channel “{name}”. If you can read it, alerts and digests will reach you here."
    return Message(
        key, "Test of DMARQ's notifications", text, Urgency.INFO, WebhookBody(id=key, type="test", text=text)
    )


def _digest(key: str, payload: dict[str, Any]) -> Message:
    body = WebhookBody(id=key, type="digest", digest=payload["figures"], text=payload["text"])
    return Message(key, payload["title"], payload["text"], Urgency.INFO, body, payload["html"])


def _alerts(sending: Sending) -> Message:
    alerts = [(kind, AlertBody.model_validate(payload)) for kind, _, payload in sending.payloads]
    blocks = [_block(kind, alert) for kind, alert in alerts]
    urgency = max((alert.urgency for kind, alert in alerts if kind == "alert"), key=_rank, default=Urgency.INFO)
    first_kind, first = alerts[0]
    if len(alerts) == 1:
        title = _title(first_kind, first)
    else:
        over = sum(kind == "resolved" for kind, _ in alerts)
        title = f"{SIGNS[urgency]}{len(alerts) - over} alerts, {over} resolved"
    text = "\n\n".join(blocks)
    body = WebhookBody(id=sending.key, type=first_kind, alert=first, text=text)
    return Message(sending.key, title, text, urgency, body)


def _title(kind: str, alert: AlertBody) -> str:
    return f"Resolved: {alert.title}" if kind == "resolved" else SIGNS[alert.urgency] + alert.title


def _block(kind: str, alert: AlertBody) -> str:
    return f"{_title(kind, alert)}\n{alert.detail}\n{alert.link}"


def _rank(urgency: Urgency) -> int:
    return urgency.rank
