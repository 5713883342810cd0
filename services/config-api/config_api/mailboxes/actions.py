"""What one does to a mailbox beside changing it: fetch now, pause, resume, read again."""

from datetime import date

from config_api.backend import Backend
from config_api.mailboxes import journal, store, switch
from config_api.mailboxes.model import MailboxView
from config_api.web.problem import Problem
from pipeline.contracts.cursor import BackfillCursor
from pipeline.contracts.topology import fetch_subject
from pipeline.jetstream.cursors import BackfillBucket
from pipeline.jetstream.requests import NobodyAnswers, request

TIMEOUT = 5.0  # seconds


async def fetch_now(backend: Backend, mailbox_id: str, *, who: str) -> None:
    """The fetcher that holds the mailbox polls at once. Raises Problem 404, 409 (paused), 503 (nobody holds it)."""
    await _expect_enabled(backend, await store.get(backend, mailbox_id))
    await _ask(backend, mailbox_id)
    await _note(backend, mailbox_id, "fetch_requested", f"{who} asked to fetch now", who)


async def pause(backend: Backend, mailbox_id: str, *, who: str) -> MailboxView:
    """The mailbox is left alone; a fetch that runs ends after what it has in hand."""
    return await store.change(backend, mailbox_id, {"enabled": False}, if_version=None, who=who)


async def resume(backend: Backend, mailbox_id: str, *, who: str) -> MailboxView:
    """The mailbox is fetched again."""
    return await store.change(backend, mailbox_id, {"enabled": True}, if_version=None, who=who)


async def backfill(backend: Backend, mailbox_id: str, *, who: str, since: date | None = None) -> None:
    """The folders are read again, within the filters and from that day on, behind the mails that are new.

    Mails that the ledger knows are not stored again. One that is under way starts over. Raises as `fetch_now` does.
    """
    mailbox = await store.get(backend, mailbox_id)
    await _expect_enabled(backend, mailbox)
    for folder in mailbox.all_folders:
        await BackfillBucket(backend.bus.js).ask(mailbox_id, folder, BackfillCursor(since=since))
    text = f"{who} asked to read the folders again" + (f" from {since} on" if since else "")
    await _note(backend, mailbox_id, "backfill_requested", text, who)
    await _ask(backend, mailbox_id)


async def _expect_enabled(backend: Backend, mailbox: MailboxView) -> None:
    if not mailbox.enabled:
        raise Problem(409, "The mailbox is paused", "Resume it first.")
    if not await switch.is_on(backend):
        raise Problem(409, "All mailboxes are paused", "Enable IMAP first.")


async def _ask(backend: Backend, mailbox_id: str) -> None:
    try:
        await request(backend.bus.client, fetch_subject(mailbox_id), b"", timeout=TIMEOUT)
    except NobodyAnswers:
        raise Problem(
            503,
            "No fetcher holds this mailbox",
            "A fetcher that has just started or heard of a change needs some seconds; without one, start one.",
            retry_after=5,
        ) from None


async def _note(backend: Backend, mailbox_id: str, name: str, text: str, who: str) -> None:
    async with backend.database.transaction() as connection:
        await journal.note(connection, mailbox_id, name, text=text, who=who)
