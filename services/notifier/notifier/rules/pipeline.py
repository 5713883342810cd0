"""Rules about the pipeline itself: what died, what fills up, who changed its settings."""

from collections.abc import Sequence
from urllib.parse import urlencode

from notifier.facts import Facts, Store
from notifier.findings import Check, Finding, clean
from pipeline.contracts.reasons import Reason
from pipeline.notifications.rules import Rule

NOTIFICATIONS = "notifications"  # what stands for a mailbox where their settings were changed
TEXTS = {reason.value: reason.text for reason in Reason}


def dead_letters(facts: Facts, threshold: float) -> Sequence[Finding]:
    """So many emails failed in a day for one reason: one finding a reason, however many emails."""
    return [
        Finding(
            rule=Rule.DEAD_LETTERS,
            subject=failed.reason or "unknown",
            title=f"{failed.mails} {'email' if failed.mails == 1 else 'emails'} could not be read",
            detail=f"Reason: {TEXTS.get(failed.reason, clean(failed.reason) or 'none given')}. They are kept under "
            "Needs attention, and can be retried.",
            count=failed.mails,
            link=f"/dead-letters?{urlencode({'reason': failed.reason})}" if failed.reason else "/dead-letters",
        )
        for failed in facts.failed_mails
        if failed.mails >= max(threshold, 1)
    ]


def full_stores(facts: Facts, threshold: float) -> Sequence[Finding]:
    """A stream whose publishers wait when it is full; or the object store, which takes no large email before it is."""
    return [
        Finding(
            rule=Rule.STORE_FULL,
            subject=store.name,
            title=_store_title(store),
            detail=f"It is {100 * store.fullness:.0f} % full. {_store_text(store)}",
            count=round(100 * store.fullness),
            link="/settings/logs",
        )
        for store in facts.stores or ()
        if 100 * store.fullness >= max(threshold, 1)
    ]


def _store_title(store: Store) -> str:
    if store.closed_from == 1:
        return f"The stream {store.name} is nearly full"
    state = "takes no more large emails" if store.fullness >= store.closed_from else "is nearly full"
    return f"The object store {state}"


def _store_text(store: Store) -> str:
    if store.closed_from == 1:
        return "When it is full, email waits in its mailbox."
    waits = "Emails over 256 kB wait in their mailbox; smaller ones go on."
    if store.fullness >= store.closed_from:
        return f"{waits} The oldest dead letters go to make room."
    return f"From {100 * store.closed_from:.0f} % on: {waits[0].lower()}{waits[1:]}"


def changed_settings(facts: Facts, threshold: float) -> Sequence[Finding]:
    """A new version of a mailbox's settings, and who made it."""
    if len(facts.changes) < threshold:
        return []
    return [
        Finding(
            rule=Rule.SETTINGS_CHANGED,
            subject=change.id,
            title=_changed(facts, change.mailbox_id),
            detail=f"{clean(change.text)} ({change.at:%d %B, %H:%M} UTC).",
            link=_page(change.mailbox_id),
            at=change.at,
        )
        for change in facts.changes
    ]


def _changed(facts: Facts, mailbox_id: str) -> str:
    if mailbox_id == NOTIFICATIONS:
        return "Notification settings were changed"
    return f"Settings of {clean(facts.name_of(mailbox_id))} were changed"


def _page(mailbox_id: str) -> str:
    """Where the settings are; those of the notifications stand in the log as if they were a mailbox's."""
    return "/settings/notifications" if mailbox_id == NOTIFICATIONS else f"/settings/mailboxes/{mailbox_id}"


CHECKS: dict[Rule, Check] = {
    Rule.DEAD_LETTERS: dead_letters,
    Rule.STORE_FULL: full_stores,
    Rule.SETTINGS_CHANGED: changed_settings,
}
