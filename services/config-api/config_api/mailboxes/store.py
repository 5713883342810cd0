"""Mailboxes in the database: every change in one transaction with its activity line, and told to the bus at once."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from config_api.backend import Backend
from config_api.errors import Changed, Conflict, FieldError, not_found
from config_api.mailboxes import SQL, journal
from config_api.mailboxes.changes import expect_password, expect_same, expect_sound, lacks_password, merged, slug
from config_api.mailboxes.model import MailboxInput, MailboxState, MailboxView
from config_api.mailboxes.statuses import all_live, one_live
from config_api.mailboxes.wording import Change, differing
from pipeline.contracts.connection_test import weaknesses
from pipeline.contracts.mailbox import MAILBOX_ID_PATTERN, Mailbox, MailboxSecrets, MailboxSettings
from pipeline.jetstream.mailboxes import SealedMailbox, is_sealed_well, resealed, seal, unseal
from pipeline.postgres.connection import Connection, Record
from pipeline.secrets import BadSecretKey, Keyring

NOUN = "mailbox"
CHANGED = "mailbox_changed"


async def all(backend: Backend) -> list[MailboxView]:
    """Every mailbox, by name."""
    async with backend.database.connection() as connection:
        views = [_view(row, backend.keys) for row in await connection.fetch(SQL["mailboxes"], None)]
    return await all_live(backend, views)


async def get(backend: Backend, mailbox_id: str) -> MailboxView:
    """One mailbox. Raises NotFound."""
    async with backend.database.connection() as connection:
        view = await _shown(connection, mailbox_id, backend.keys)
    return await one_live(backend, view)


async def secret_of(backend: Backend, mailbox_id: str) -> Mailbox:
    """One mailbox with its secrets, for a connection test. Raises NotFound."""
    async with backend.database.transaction() as connection:
        return _opened(await _locked(connection, mailbox_id), backend.keys)


async def create(backend: Backend, wanted: MailboxInput, *, who: str) -> MailboxView:
    """A new mailbox. Raises Conflict when its id was ever used, Invalid."""
    expect_sound(wanted.settings)  # all that is wrong with them is told before a missing password is
    expect_password(wanted.settings, wanted.secrets)
    async with backend.database.transaction() as connection:
        taken = [row["id"] for row in await connection.fetch(SQL["ids"])]
        mailbox_id = wanted.id or slug(wanted.name, taken)
        sealed = _sealed(mailbox_id, wanted, backend.keys)
        if await connection.fetchval(SQL["insert"], mailbox_id, _plain(sealed), sealed.secret) is None:
            text = "This id is or was used by another mailbox; choose another one, or leave it out."
            raise Conflict(text, title="The id is taken", errors=[FieldError(field="id", text=text)])
        await journal.note(connection, mailbox_id, "mailbox_created", text=f"{who} added the mailbox", who=who)
        view = await _shown(connection, mailbox_id, backend.keys)
    backend.changed.set()
    return view


async def change(
    backend: Backend, mailbox_id: str, patch: Mapping[str, Any], *, if_version: int | None, who: str
) -> MailboxView:
    """The mailbox with a JSON merge patch applied; `if_version` is the version it must still have (None: any).

    Raises NotFound, Changed, Invalid.
    """
    async with backend.database.transaction() as connection:
        row = await _locked(connection, mailbox_id)
        _expect_version(row, if_version)
        saved = _opened(row, backend.keys, lost=MailboxSecrets())
        after = merged(saved.settings, saved.secrets, patch)
        changes = differing(_values(saved.settings, saved.secrets), _values(after.settings, after.secrets))
        await expect_same(connection, mailbox_id, saved.settings, after.settings)
        if changes:
            name, text = _telling(changes, enabled=after.enabled, who=who)
            if name == CHANGED:
                expect_sound(after.settings)
            if not lacks_password(saved.settings, saved.secrets):  # whose password is lost may change all the same
                expect_password(after.settings, after.secrets)
            await _update(connection, _sealed(mailbox_id, after, backend.keys))
            await journal.note(connection, mailbox_id, name, text=text, who=who, changes=changes)
        view = await _shown(connection, mailbox_id, backend.keys)
    backend.changed.set()
    return await one_live(backend, view)


async def remove(backend: Backend, mailbox_id: str, *, if_version: int | None, who: str) -> None:
    """Takes the mailbox out of service; what was fetched from it stays. Raises NotFound, Changed."""
    async with backend.database.transaction() as connection:
        _expect_version(await _locked(connection, mailbox_id), if_version)
        await connection.execute(SQL["delete"], mailbox_id)
        await journal.note(connection, mailbox_id, "mailbox_deleted", text=f"{who} removed the mailbox", who=who)
    backend.changed.set()


async def declare(backend: Backend, mailbox_id: str, wanted: MailboxInput, *, who: str) -> None:
    """The mailbox is as wanted, whatever it was before; nothing happens when it is so already. Raises Invalid."""
    async with backend.database.transaction() as connection:
        row = await connection.fetchrow(SQL["any_state"], mailbox_id)
        sealed = _sealed(mailbox_id, wanted, backend.keys)
        if row is None:
            await connection.execute(SQL["insert"], mailbox_id, _plain(sealed), sealed.secret)
        elif row["deleted_at"] is None and _is_same(row, wanted, backend.keys):
            return
        else:
            expect_sound(wanted.settings)
            await expect_same(connection, mailbox_id, SealedMailbox.model_validate(dict(row)).settings, wanted.settings)
            await _update(connection, sealed)
        text = f"{who} set the mailbox up as declared"
        await journal.note(connection, mailbox_id, "mailbox_declared", text=text, who=who)
    backend.changed.set()


async def rotate(backend: Backend) -> int:
    """Seals every secret again under the first key of DMARQ_SECRET_KEY; gives how many. Raises BadSecretKey."""
    async with backend.database.transaction() as connection:
        ids = [row["id"] for row in await connection.fetch(SQL["versions"])]
        for mailbox_id in ids:
            await _reseal(connection, await _locked(connection, mailbox_id), backend.keys)
    backend.changed.set()
    return len(ids)


async def upgrade_secrets(backend: Backend) -> int:
    """Seals again what an earlier version sealed in its own form, and under an older key; gives how many.

    What no key of the list opens stays as it is: the mailbox's page asks for the password.
    """
    upgraded = 0
    async with backend.database.transaction() as connection:
        for mailbox_id in [row["id"] for row in await connection.fetch(SQL["versions"])]:
            row = await _locked(connection, mailbox_id)
            if is_sealed_well(SealedMailbox.model_validate(dict(row)), backend.keys):
                continue
            with suppress(BadSecretKey):
                await _reseal(connection, row, backend.keys)
                upgraded += 1
    backend.changed.set()
    return upgraded


async def _reseal(connection: Connection, row: Record, keys: Keyring) -> None:
    secret = resealed(SealedMailbox.model_validate(dict(row)), keys)
    await connection.execute(SQL["update"], row["id"], row["settings"], secret)


async def _update(connection: Connection, sealed: SealedMailbox) -> None:
    await connection.execute(SQL["update"], sealed.id, _plain(sealed), sealed.secret)


async def _locked(connection: Connection, mailbox_id: str) -> Record:
    row = await connection.fetchrow(SQL["locked"], _known_id(mailbox_id))
    if row is None:
        raise not_found(NOUN)
    return row


def _expect_version(row: Record, if_version: int | None) -> None:
    if if_version is not None and row["version"] != if_version:
        raise Changed("Somebody else changed this mailbox. Load it again and repeat your change.")


async def _shown(connection: Connection, mailbox_id: str, keys: Keyring) -> MailboxView:
    row = await connection.fetchrow(SQL["mailboxes"], _known_id(mailbox_id))
    if row is None:
        raise not_found(NOUN)
    return _view(row, keys)


def _known_id(mailbox_id: str) -> str:
    if not re.fullmatch(MAILBOX_ID_PATTERN, mailbox_id):
        raise not_found(NOUN)
    return mailbox_id


def _view(row: Record, keys: Keyring) -> MailboxView:
    mailbox = _opened(row, keys, lost=MailboxSecrets())
    state = MailboxState.model_validate(
        {**dict(row), "word": _word(row, enabled=mailbox.settings.enabled and row["is_on"])}
    )
    return MailboxView.model_validate(
        {
            **dict(row),
            **mailbox.settings.model_dump(),
            "has_password": bool(mailbox.secrets.password),
            "saved_secrets": [name for name, value in mailbox.secrets if value],
            "weaknesses": weaknesses(mailbox.settings),
            "state": state,
        }
    )


def _word(row: Record, *, enabled: bool) -> str:
    if not enabled:
        return "paused"
    if row["category"] is None:
        return "never"
    return "ok" if row["category"] == "ok" else "error"


def _opened(row: Record, keys: Keyring, *, lost: MailboxSecrets | None = None) -> Mailbox:
    """The mailbox; `lost` stands for secrets that no key opens, without it that is a Conflict."""
    sealed = SealedMailbox.model_validate(dict(row))
    try:
        return unseal(sealed, keys)
    except BadSecretKey:
        if lost is None:
            text = "DMARQ_SECRET_KEY has changed. Enter the password again."
            raise Conflict(text, title="The saved password cannot be read") from None
        return Mailbox(id=sealed.id, version=sealed.version, settings=sealed.settings, secrets=lost)


def _sealed(mailbox_id: str, wanted: MailboxInput, keys: Keyring) -> SealedMailbox:
    return seal(Mailbox(id=mailbox_id, version=0, settings=wanted.settings, secrets=wanted.secrets), keys)


def _plain(sealed: SealedMailbox) -> dict[str, Any]:
    return sealed.settings.model_dump(mode="json")


def _is_same(row: Record, wanted: MailboxInput, keys: Keyring) -> bool:
    saved = _opened(row, keys, lost=MailboxSecrets())
    return saved.settings == wanted.settings and saved.secrets == wanted.secrets


def _values(settings: MailboxSettings, secrets: MailboxSecrets) -> dict[str, Any]:
    return settings.model_dump(mode="json") | dict(secrets)


def _telling(changes: list[Change], *, enabled: bool, who: str) -> tuple[str, str]:
    if [change.path for change in changes] == ["enabled"]:
        return ("mailbox_resumed", f"{who} resumed the mailbox") if enabled else (
            "mailbox_paused", f"{who} paused the mailbox"
        )  # fmt: skip
    return CHANGED, f"{who} changed {'; '.join(change.text for change in changes)}"
