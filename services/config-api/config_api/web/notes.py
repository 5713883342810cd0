"""What a page tells after something was done: the redirect carries a code, the text is here. Nothing is stored."""

from urllib.parse import urlencode

from flask import redirect, request
from werkzeug.wrappers import Response

PARAMETER = "note"
NOTES = {
    "added": ("good", "The mailbox was saved. If it is enabled, its first fetch starts now."),
    "saved": ("good", "The mailbox was saved. The change holds from now on."),
    "signed-in": ("good", "Signed in with the provider, and saved. The connection is tested now."),
    "removed": ("good", "The mailbox was removed. Its reports stay here, its emails stay on the server."),
    "fetching": ("good", "A fetch was started. New reports appear in a moment."),
    "paused": ("good", "Paused: no email is fetched until you resume."),
    "all-paused": ("good", "All mailboxes are paused: no email is fetched until you enable IMAP again."),
    "all-resumed": (
        "good",
        "IMAP is enabled: email is fetched again, but not where a mailbox itself is paused.",
    ),
    "resumed": ("good", "Resumed: email is fetched again."),
    "reading-again": (
        "good",
        "The folder is read again from its first email, under today's settings. Reports are not stored twice.",
    ),
    "is-paused": ("bad", "The mailbox is paused. Resume it first."),
    "no-fetcher": (
        "bad",
        "No fetcher holds this mailbox yet. One that has just started needs some seconds; try again.",
    ),
    "retried": ("good", "On its way again, under today's settings. What becomes of it is shown under Emails."),
    "retried-some": ("good", "{} sent on their way again, more remain. Press the button again for the next ones."),
    "action-retried": ("good", "What the mail server refused is tried again. The email's page shows how it goes."),
    "nothing-to-retry": ("bad", "There is nothing to retry: its action did not fail, or its folder was rebuilt."),
    "discarded": ("good", "The dead letter was discarded."),
    "channel-added": ("good", "The channel was added. Press Test to see whether it can be reached."),
    "channel-saved": ("good", "The channel was saved."),
    "channel-removed": ("good", "The channel was removed."),
    "rule-saved": ("good", "The rule was saved. It holds from the next look on, within a minute."),
    "muted": ("good", "Muted. What is found is still noted here."),
    "unmuted": ("good", "Told again from now on."),
    "sending-retried": ("good", "It is tried again, for another day if need be."),
    "decided": ("good", "Saved. The sources it concerns are judged again within seconds."),
    "undecided": ("good", "Taken back. The sources it concerns are judged again within seconds."),
    "dns-asked": ("good", "DNS was asked. What it said is shown below."),
    "dns-no-fetcher": ("bad", "No fetcher is running: DNS is asked by one. Start it and try again."),
    "revoked": ("good", "The token was revoked. Whoever used it is locked out now."),
    "user-added": ("good", "The user was added."),
    "user-saved": ("good", "The user was saved. Where something changed, their browsers were signed out."),
    "user-removed": ("good", "The user was removed, and their browsers were signed out."),
    "session-ended": ("good", "That browser was signed out."),
    "sessions-ended": ("good", "All other browsers were signed out: {}."),
    "password": ("good", "The password was changed. Other browsers were signed out."),
}


def told(path: str, code: str, *, count: int | None = None, **query: str) -> Response:
    """Goes to the page, with the query, and tells the note there; `count` is the number that its text speaks of."""
    named = code if count is None else f"{code}:{count}"
    return redirect(f"{path}?{urlencode({**query, PARAMETER: named}, safe=':')}", 303)


def note() -> tuple[str, str] | None:
    """The tone and the text of this request's note."""
    code, _, count = request.args.get(PARAMETER, "").partition(":")
    if code not in NOTES:
        return None
    tone, text = NOTES[code]
    return tone, text.format(count if count.isdecimal() else "Many")
