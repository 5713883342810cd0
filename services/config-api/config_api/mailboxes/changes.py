"""What a change to a mailbox means; pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from config_api.mailboxes.model import MailboxInput
from config_api.web.problem import FieldError, invalid
from config_api.web.validation import validated
from pipeline.contracts.destination import is_useless, moves
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings

AGAIN = (
    "Enter it again: a saved secret is only sent to the saved server, port and user, through the saved proxy and OAuth"
    " provider, protected as it was saved."
)
FIXED = frozenset({"id"})
MAX_ID_LENGTH = 56  # leaves room for a number behind it

Json = Mapping[str, Any]


def merged(settings: MailboxSettings, secrets: MailboxSecrets, patch: Json) -> MailboxInput:
    """The mailbox with a JSON merge patch applied (RFC 7396): what is absent stays, null goes back to the default.

    An empty secret keeps the saved one. A saved secret is kept only for where it was saved for; it goes when that is
    gone. Raises Problem 422.
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
