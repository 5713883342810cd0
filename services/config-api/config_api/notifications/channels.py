"""Channels in the database. A saved secret is kept only for the destination that it was saved for."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from config_api.backend import Backend
from config_api.errors import Conflict, FieldError, Unavailable, invalid, not_found
from config_api.mailboxes.changes import patched, slug
from config_api.mailboxes.journal import note
from config_api.notifications.shapes import ChannelInput, ChannelView, NewChannel
from config_api.notifications.sql import SQL
from config_api.web.validation import validated
from pipeline.contracts.topology import NOTIFY_TEST_SUBJECT
from pipeline.jetstream.requests import NobodyAnswers, request
from pipeline.notifications.channels import (
    CHANNEL_ID_PATTERN,
    ChannelKind,
    ChannelSecrets,
    ChannelSettings,
    ChannelTest,
    ChannelTested,
    belonging,
    destination_of,
)
from pipeline.notifications.webhook import key_bytes, new_signing_key
from pipeline.postgres.connection import Connection, Record
from pipeline.secrets import BadSecretKey, Keyring

NOUN = "channel"
JOURNAL_ID = "notifications"  # what stands for a mailbox in lines of the activity log about channels
TEST_TIMEOUT = 110.0  # seconds; a notifier answers within 100
MAX_CHANNELS = 200
AGAIN = "Enter it again: a saved secret is only sent to the destination that it was saved for."


async def all(backend: Backend) -> list[ChannelView]:
    """Every channel, by name."""
    async with backend.database.connection() as connection:
        return [_view(row, backend.keys) for row in await connection.fetch(SQL["channels"], None)]


async def get(backend: Backend, channel_id: str) -> ChannelView:
    """One channel. Raises NotFound."""
    async with backend.database.connection() as connection:
        return await _shown(connection, channel_id, backend.keys)


async def create(backend: Backend, wanted: ChannelInput, *, who: str) -> NewChannel:
    """A new channel. Raises Conflict when its id is taken, Invalid."""
    made_key = new_signing_key() if wanted.kind is ChannelKind.WEBHOOK and not wanted.signing_key else None
    secrets = wanted.secrets
    if made_key:
        secrets = secrets.model_copy(update={"signing_key": SecretStr(made_key)})
    settings = _checked(wanted.settings, secrets)
    async with backend.database.transaction() as connection:
        taken = [row["id"] for row in await connection.fetch(SQL["channel_ids"])]
        if len(taken) >= MAX_CHANNELS:
            raise Conflict(f"There are {MAX_CHANNELS} of them; remove one first.", title="Too many channels")
        channel_id = wanted.id or slug(wanted.name, taken)[:48].strip("-")
        sealed = _sealed(channel_id, settings, secrets, backend.keys)
        if (
            await connection.fetchval(SQL["insert_channel"], channel_id, settings.model_dump(mode="json"), sealed)
            is None
        ):
            text = "This id is used by another channel; choose another one, or leave it out."
            raise Conflict(text, title="The id is taken", errors=[FieldError(field="id", text=text)])
        await note(connection, JOURNAL_ID, "channel_created", text=f"{who} added the channel {channel_id}", who=who)
        view = await _shown(connection, channel_id, backend.keys)
    return NewChannel.model_validate({**view.model_dump(), "signing_key": made_key})


async def change(backend: Backend, channel_id: str, patch: Mapping[str, Any], *, who: str) -> ChannelView:
    """The channel with a JSON merge patch applied; an empty secret keeps the saved one. Raises NotFound, Invalid."""
    async with backend.database.transaction() as connection:
        row = await _locked(connection, channel_id)
        before = ChannelSettings.model_validate(row["settings"])
        saved = _opened(row, before, backend.keys)
        settings, secrets = merged(channel_id, before, saved, patch)
        sealed = _sealed(channel_id, settings, secrets, backend.keys)
        await connection.execute(SQL["update_channel"], channel_id, settings.model_dump(mode="json"), sealed)
        text = f"{who} changed the channel {channel_id}: {', '.join(sorted(patch))}"
        await note(connection, JOURNAL_ID, "channel_changed", text=text, who=who)
        return await _shown(connection, channel_id, backend.keys)


async def remove(backend: Backend, channel_id: str, *, who: str) -> None:
    """Removes the channel, and what waits for it. Raises NotFound."""
    async with backend.database.transaction() as connection:
        await _locked(connection, channel_id)
        await connection.execute(SQL["delete_channel"], channel_id)
        await note(connection, JOURNAL_ID, "channel_deleted", text=f"{who} removed the channel {channel_id}", who=who)


async def rotate(backend: Backend) -> int:
    """Seals every channel's secrets again under the first key; gives how many. Raises BadSecretKey."""
    async with backend.database.transaction() as connection:
        ids = [row["id"] for row in await connection.fetch(SQL["channel_ids"])]
        for channel_id in ids:
            row = await _locked(connection, channel_id)
            owner = belonging(channel_id, ChannelSettings.model_validate(row["settings"]))
            try:
                secret = backend.keys.renewed(row["secret"], belongs_to=owner)
            except BadSecretKey:
                text = f"No key in DMARQ_SECRET_KEY opens the secrets of the channel {channel_id}. Enter them again."
                raise BadSecretKey(text) from None
            await connection.execute(SQL["reseal_channel"], channel_id, secret)
    return len(ids)


async def test(backend: Backend, channel_id: str) -> ChannelTested:
    """Has a notifier send the channel a message. Raises NotFound, Unavailable when no notifier runs."""
    await get(backend, channel_id)
    wanted = ChannelTest(channel_id=channel_id).model_dump_json().encode()
    try:
        answer = await request(backend.bus.client, NOTIFY_TEST_SUBJECT, wanted, timeout=TEST_TIMEOUT)
    except NobodyAnswers:
        text = "A notifier sends the test; start one."
        raise Unavailable(text, title="No notifier is running") from None
    return ChannelTested.model_validate_json(answer)


def merged(
    channel_id: str, before: ChannelSettings, saved: ChannelSecrets, patch: Mapping[str, Any]
) -> tuple[ChannelSettings, ChannelSecrets]:
    """Settings and secrets after a JSON merge patch; pure. Raises Invalid."""
    if "id" in patch:
        raise invalid(FieldError(field="id", text="The id of a channel never changes; leave it out."))
    names = ChannelSecrets.model_fields
    sent = {name: value for name, value in patch.items() if name not in names or value not in ("", None)}
    shown = before.model_dump(mode="json", exclude={"destination"})
    together = validated(ChannelInput, patched(shown, sent))
    secrets = ChannelSecrets.model_validate({**dict(saved), **{n: getattr(together, n) for n in names if n in sent}})
    settings = _checked(together.settings, secrets)
    if belonging(channel_id, settings) != belonging(channel_id, before):
        kept = [name for name in names if name not in sent and getattr(saved, name) is not None]
        if kept:
            raise invalid(*(FieldError(field=name, text=AGAIN) for name in kept))
    return settings, secrets


def _checked(settings: ChannelSettings, secrets: ChannelSecrets) -> ChannelSettings:
    """The settings with their destination. Raises Invalid."""
    field = "email" if settings.kind is ChannelKind.EMAIL else "url"
    try:
        destination = destination_of(settings, secrets)
        if settings.kind is ChannelKind.WEBHOOK:
            field = "signing_key"
            key_bytes(secrets.signing_key.get_secret_value() if secrets.signing_key else "")
    except ValueError as error:
        raise invalid(
            FieldError(field=field, text=f"This {error}." if "should" in str(error) else f"{error}.")
        ) from None
    return settings.model_copy(update={"destination": destination})


def _sealed(channel_id: str, settings: ChannelSettings, secrets: ChannelSecrets, keys: Keyring) -> str:
    return keys.seal(secrets.plain(), belongs_to=belonging(channel_id, settings))


def _opened(row: Record, settings: ChannelSettings, keys: Keyring) -> ChannelSecrets:
    """The secrets; none where no key opens them, so that new ones can be entered."""
    try:
        plain = keys.open(row["secret"], belongs_to=belonging(row["id"], settings))
    except BadSecretKey:
        return ChannelSecrets()
    return ChannelSecrets.model_validate_json(plain)


async def _locked(connection: Connection, channel_id: str) -> Record:
    row = await connection.fetchrow(SQL["locked_channel"], channel_id) if _is_id(channel_id) else None
    if row is None:
        raise not_found(NOUN)
    return row


async def _shown(connection: Connection, channel_id: str, keys: Keyring) -> ChannelView:
    rows = await connection.fetch(SQL["channels"], channel_id) if _is_id(channel_id) else []
    if not rows:
        raise not_found(NOUN)
    return _view(rows[0], keys)


def _view(row: Record, keys: Keyring) -> ChannelView:
    settings = ChannelSettings.model_validate(row["settings"])
    saved = sorted(name for name, value in _opened(row, settings, keys) if value is not None)
    return ChannelView.model_validate({**settings.model_dump(), **dict(row), "saved_secrets": saved})


def _is_id(text: str) -> bool:
    return re.match(CHANNEL_ID_PATTERN, text) is not None
