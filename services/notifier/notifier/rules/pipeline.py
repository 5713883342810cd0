"""Rules about the pipeline itself: what died, what fills up, who changed its settings."""

from collections.abc import Sequence
from urllib.parse import urlencode

from notifier.facts import Facts
from notifier.findings import Check, Finding, clean
from pipeline.contracts.reasons import Reason
from pipeline.notifications.rules import Rule

TEXTS = {reason.value: reason.text for reason in Reason}


def dead_letters(facts: Facts, threshold: float) -> Sequence[Finding]:
    """So many mails failed in a day for one reason: one finding a reason, however many mails."""
    return [
        Finding(
            rule=Rule.DEAD_LETTERS,
            subject=failed.reason or "unknown",
            title=f"{failed.mails} {'mail' if failed.mails == 1 else 'mails'} could not be read",
            detail=f"Reason: {TEXTS.get(failed.reason, clean(failed.reason) or 'none given')}. They are kept under "
            "Dead letters, and can be retried.",
            count=failed.mails,
            link=f"/dead-letters?{urlencode({'reason': failed.reason})}" if failed.reason else "/dead-letters",
        )
        for failed in facts.failed_mails
        if failed.mails >= max(threshold, 1)
    ]


def full_stores(facts: Facts, threshold: float) -> Sequence[Finding]:
    """A stream whose publishers wait, or whose dead letters go, when it is full."""
    return [
        Finding(
            rule=Rule.STORE_FULL,
            subject=store.name,
            title=f"The store {store.name} is nearly full",
            detail=f"It is {100 * store.fullness:.0f} % full. When it is full, mail waits in the mailbox.",
            count=round(100 * store.fullness),
            link="/settings/logs",
        )
        for store in facts.stores or ()
        if 100 * store.fullness >= max(threshold, 1)
    ]


def changed_settings(facts: Facts, threshold: float) -> Sequence[Finding]:
    """A new version of a mailbox's settings, and who made it."""
    if len(facts.changes) < threshold:
        return []
    return [
        Finding(
            rule=Rule.SETTINGS_CHANGED,
            subject=change.id,
            title=f"Settings of {clean(facts.name_of(change.mailbox_id))} were changed",
            detail=f"{clean(change.text)} ({change.at:%d %B, %H:%M} UTC).",
            link=_page(change.mailbox_id),
            once=True,
        )
        for change in facts.changes
    ]


def _page(mailbox_id: str) -> str:
    """Where the settings are; those of the notifications stand in the log as if they were a mailbox's."""
    return "/settings/notifications" if mailbox_id == "notifications" else f"/settings/mailboxes/{mailbox_id}"


CHECKS: dict[Rule, Check] = {
    Rule.DEAD_LETTERS: dead_letters,
    Rule.STORE_FULL: full_stores,
    Rule.SETTINGS_CHANGED: changed_settings,
}
