"""Who is told of what, and when: channels, mutes, quiet hours; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.delivery import Channel
from notifier.findings import Finding, concerns
from pipeline.notifications.rules import QuietHours, Urgency

MAKING = timedelta(seconds=10)  # what is noted of a channel's making is noted within it


@dataclass(frozen=True, slots=True)
class Mute:
    """What is not to be told: a rule (None: any) about a subject (None: any)."""

    rule: str | None
    subject: str | None


def is_muted(finding: Finding, mutes: Iterable[Mute]) -> bool:
    """Whether the finding is to be noted only. A mute's subject may also be the finding's domain."""
    return any(
        mute.rule in (None, finding.rule.value) and mute.subject in (None, finding.subject, finding.domain)
        for mute in mutes
        if mute.rule is not None or mute.subject is not None
    )


def listeners(finding: Finding, urgency: Urgency, channels: Sequence[Channel]) -> list[Channel]:
    """The channels that want to hear of it; of what happened before a channel was made it is not told."""
    return [
        channel
        for channel in channels
        if channel.settings.enabled
        and (finding.at is None or finding.at > channel.created_at + MAKING)
        and urgency.rank >= channel.settings.urgency.rank
        and concerns(finding.domain, channel.settings.domains)
    ]


def due_at(now: datetime, quiet: QuietHours | None, urgency: Urgency) -> datetime:
    """When an alert of this urgency may be sent: now, or at the end of the quiet hours."""
    if quiet is None or urgency is Urgency.CRITICAL:
        return now
    local = now.astimezone(quiet.zone)
    clock = local.time()
    if quiet.begin < quiet.end:
        is_quiet = quiet.begin <= clock < quiet.end
    else:
        is_quiet = clock >= quiet.begin or clock < quiet.end
    if not is_quiet:
        return now
    day = local.date() + timedelta(days=1 if clock >= quiet.end else 0)
    return datetime.combine(day, quiet.end, tzinfo=quiet.zone).astimezone(now.tzinfo)
