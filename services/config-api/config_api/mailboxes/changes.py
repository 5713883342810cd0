"""What a change to a mailbox means, and which one is refused.

Refused is also what no setting by itself shows to be wrong, but would never work: asked of what a person or a program
sends. Settings that were stored once stay readable whatever they say: only a change is refused.

Whether two names are one folder only the mail server knows for sure; the connection test and the fetcher ask it. Here
is refused what some server takes for one: names that differ in case, or in the separator of levels.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from config_api.errors import FieldError, invalid
from config_api.mailboxes import SQL
from config_api.mailboxes.model import MailboxInput
from config_api.web.validation import validated
from pipeline.contracts.destination import is_useless, moves
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings
from pipeline.contracts.mailbox_settings import SAME_FOLDER
from pipeline.postgres.connection import Connection

AGAIN = (
    "Enter it again: a saved secret is only sent to the saved server, port and user, through the saved proxy and OAuth"
    " provider, protected as it was saved."
)
ANOTHER = (
    "Email of the saved user name was fetched through this mailbox. Add a new mailbox for another user name; reports"
    " that come a second time are known by what they say."
)
MISSING = "Enter the password."
NO_FORMAT = "Choose at least one format: without one, no report would be read."
FIXED = frozenset({"id"})
MAX_ID_LENGTH = 56  # leaves room for a number behind it

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|[^\s@.]+(\.[^\s@.]+)+\.?")

Json = Mapping[str, Any]


def merged(settings: MailboxSettings, secrets: MailboxSecrets, patch: Json) -> MailboxInput:
    """The mailbox with a JSON merge patch applied (RFC 7396): what is absent stays, null goes back to the default.

    An empty secret keeps the saved one. A saved secret is kept only for where it was saved for; it goes when that is
    gone. Raises Invalid.
    """
    if FIXED.intersection(patch):
        raise invalid(FieldError(field="id", text="The id of a mailbox never changes; leave it out."))
    sent = {name: value for name, value in patch.items() if name not in MailboxSecrets.model_fields or value != ""}
    together = validated(MailboxInput, patched(settings.model_dump(mode="json"), sent))
    kept = {name: value for name, value in secrets if name not in sent and not is_useless(name, settings, together)}
    astray = [name for name, value in kept.items() if value and moves(name, settings, together)]
    if astray:
        raise invalid(*(FieldError(field=name, text=AGAIN) for name in astray))
    return together.model_copy(update=kept)


def patched(target: Json, patch: Json) -> dict[str, Any]:
    """The target with a JSON merge patch applied (RFC 7396); a new thing is a patch of nothing."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = patched(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def slug(name: str, taken: Iterable[str] = ()) -> str:
    """An id made from the name, different from those taken.

    >>> slug("Reports @ example.com")
    'reports-example-com'
    """
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_ID_LENGTH].strip("-") or "mailbox"
    used = set(taken)
    if base not in used:
        return base
    return next(f"{base}-{number}" for number in range(2, len(used) + 3) if f"{base}-{number}" not in used)


async def expect_same(connection: Connection, mailbox_id: str, before: MailboxSettings, after: MailboxSettings) -> None:
    """Raises Invalid for another user name once an email of this mailbox is in the ledger."""
    if before.username.casefold() == after.username.casefold():
        return
    if await connection.fetchval(SQL["has_mails"], mailbox_id):
        raise invalid(FieldError(field="username", text=ANOTHER))


def expect_sound(settings: MailboxSettings) -> None:
    """Raises Invalid, each error at its field."""
    wrong = [*_moves_in_circles(settings), *_unusable_senders(settings)]
    if not settings.attachments.formats:
        wrong.append(FieldError(field="attachments.formats", text=NO_FORMAT))
    if wrong:
        raise invalid(*wrong)


def lacks_password(settings: MailboxSettings, secrets: MailboxSecrets) -> bool:
    """Whether it would try to sign in with no password. A paused mailbox may get it later."""
    return settings.enabled and settings.auth == "password" and not secrets.password.get_secret_value()


def expect_password(settings: MailboxSettings, secrets: MailboxSecrets) -> None:
    """Raises Invalid, at its field."""
    if lacks_password(settings, secrets):
        raise invalid(FieldError(field="password", text=MISSING))


def _moves_in_circles(settings: MailboxSettings) -> Iterator[FieldError]:
    """Mail that is moved where it is read would be fetched and moved for ever."""
    read = {_spelled(folder) for folder in settings.all_folders}
    for name in ("on_processed", "on_failed", "on_not_a_report"):
        action = getattr(settings, name)
        if action.folder is not None and _spelled(action.folder) in read:
            yield FieldError(field=f"{name}.folder", text=SAME_FOLDER)


def _unusable_senders(settings: MailboxSettings) -> Iterator[FieldError]:
    for sender in settings.filters.senders:
        if not _ADDRESS.fullmatch(sender):
            text = "Enter an address such as noreply@example.com, or a domain such as example.com, one a line."
            yield FieldError(field="filters.senders", text=text)
            return


def _spelled(folder: str) -> str:
    return folder.replace(".", "/").strip("/").casefold()
