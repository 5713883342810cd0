"""Rules about the mailboxes that are read. A mailbox that is paused, or on a dry run, disturbs nobody."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from notifier.facts import Facts, MailboxState
from notifier.findings import Check, Finding, clean
from pipeline.notifications.rules import Rule

SIGN_IN = frozenset({"authentication", "auth_expired"})
STORE_FULL = "store_full"
LEAST_OVERDUE = timedelta(hours=1)
WHAT = {STORE_FULL: "keeps large emails back"}
TEXTS = {
    "authentication": "The server refuses the user name or the password",
    "auth_expired": "The authorization has expired",
    "connectivity": "The server cannot be reached",
    "tls": "No trustworthy TLS connection can be made",
    "mailbox_not_found": "The folder does not exist",
    "permissions": "The user may not read the folder",
    "throttled": "The server refuses for now: too much was asked, or a quota is used up",
    "timeout": "The server does not answer in time",
    STORE_FULL: "The object store has no room: emails over 256 kB wait in the mailbox, smaller ones go on",
}


def sign_in(facts: Facts, threshold: float) -> Sequence[Finding]:
    """The server refuses the sign-in for so many minutes."""
    return [
        _fault(Rule.MAILBOX_SIGN_IN, mailbox, "refuses the sign-in")
        for mailbox in _failing(facts, threshold)
        if mailbox.category in SIGN_IN
    ]


def fault(facts: Facts, threshold: float) -> Sequence[Finding]:
    """The mailbox cannot be read for another reason, for so many minutes; a quota is one of them."""
    return [
        _fault(Rule.MAILBOX_FAULT, mailbox, WHAT.get(mailbox.category, "cannot be read"))
        for mailbox in _failing(facts, threshold)
        if mailbox.category not in SIGN_IN
    ]


def overdue(facts: Facts, threshold: float) -> Sequence[Finding]:
    """Nobody looked into the mailbox for so many of its intervals, not even in vain: no fetcher runs, or it hangs."""
    found = []
    for mailbox in _watched(facts):
        late = max(timedelta(minutes=mailbox.poll_minutes * max(threshold, 1)), LEAST_OVERDUE)
        since = max(mailbox.last_at or mailbox.changed_at, mailbox.changed_at)
        if facts.now - since > late:
            found.append(
                Finding(
                    rule=Rule.MAILBOX_OVERDUE,
                    subject=mailbox.id,
                    title=f"Mailbox {clean(mailbox.name)} has not been read for a while",
                    detail=f"The last look was {_when(mailbox.last_at)}; it should be read every "
                    f"{mailbox.poll_minutes:g} minutes. Does a fetcher run?",
                    link=_link(mailbox.id),
                )
            )
    return found


def refused_actions(facts: Facts, threshold: float) -> Sequence[Finding]:
    """The server refused to mark, move or delete so many emails in a day: one finding a mailbox, action and reason."""
    watched = {mailbox.id for mailbox in _watched(facts)}
    return [
        Finding(
            rule=Rule.ACTION_REFUSED,
            subject=f"{refused.mailbox_id} {refused.action} {refused.reason}",
            title=f"{clean(facts.name_of(refused.mailbox_id))}: the server refuses to {_verb(refused.action)}",
            detail=f"{_emails(refused.mails)} could not be acted on in the last day ({_plain(refused.reason)}). Their "
            "reports are stored.",
            count=refused.mails,
            link=_link(refused.mailbox_id),
        )
        for refused in facts.refused_actions
        if refused.mails >= max(threshold, 1) and refused.mailbox_id in watched
    ]


def trouble(category: str) -> str:
    """What a category of faults means, as a sentence without its full stop."""
    return TEXTS.get(category, _plain(category))


def _fault(rule: Rule, mailbox: MailboxState, what: str) -> Finding:
    return Finding(
        rule=rule,
        subject=mailbox.id,
        title=f"Mailbox {clean(mailbox.name)} {what}",
        detail=f"{trouble(mailbox.category)}, since {_when(mailbox.failing_since)}. {clean(mailbox.detail)}".strip(),
        link=_link(mailbox.id),
    )


def _failing(facts: Facts, minutes: float) -> Iterator[MailboxState]:
    for mailbox in _watched(facts):
        since = mailbox.failing_since
        if mailbox.category != "ok" and since is not None and facts.now - since >= timedelta(minutes=minutes):
            yield mailbox


def _watched(facts: Facts) -> Iterator[MailboxState]:
    return (mailbox for mailbox in facts.mailboxes if mailbox.enabled and not mailbox.dry_run)


def _when(at: datetime | None) -> str:
    return f"{at:%d %B, %H:%M} UTC" if at else "never"


def _plain(word: str) -> str:
    return clean(word.replace("_", " ")) or "no reason given"


def _emails(number: int) -> str:
    return "1 email" if number == 1 else f"{number:,} emails"


def _verb(action: str) -> str:
    return {"mark_read": "mark emails as read", "move": "move emails", "delete": "delete emails"}.get(action, "act")


def _link(mailbox_id: str) -> str:
    return f"/settings/mailboxes/{mailbox_id}"


CHECKS: dict[Rule, Check] = {
    Rule.MAILBOX_SIGN_IN: sign_in,
    Rule.MAILBOX_FAULT: fault,
    Rule.MAILBOX_OVERDUE: overdue,
    Rule.ACTION_REFUSED: refused_actions,
}
