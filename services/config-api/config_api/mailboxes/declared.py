"""Mailboxes that the environment declares (DMARQ_MAILBOXES): at every start they are made as it says.

A list of mailboxes as the API takes them, passwords included, as JSON or in a JSON file. The `id` is optional: by
default it is made from the name. A mailbox that is no longer in the list is left as it is.
"""

from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from config_api.backend import Backend
from config_api.errors import DomainError
from config_api.mailboxes import store
from config_api.mailboxes.changes import slug
from config_api.mailboxes.model import MailboxInput
from pipeline import strict_json
from pipeline.contracts.complaints import complaints
from pipeline.settings import SettingsError
from pipeline.strict_json import BadJson

log = structlog.get_logger(__name__)

VARIABLE = "DMARQ_MAILBOXES"

_LIST = TypeAdapter(tuple[MailboxInput, ...])


def read(setting: str) -> tuple[MailboxInput, ...]:
    """The declared mailboxes, each with an id. Raises SettingsError, whose text never holds a value."""
    if not setting.strip():
        return ()
    try:
        found = _LIST.validate_python(strict_json.loads(_text(setting.strip())))
    except BadJson as error:
        raise SettingsError(f"{VARIABLE} is no JSON: {error}") from None
    except ValidationError as error:
        wrong = " ".join(f"{each.field}: {each.text}".removeprefix(": ") for each in complaints(error))
        raise SettingsError(f"{VARIABLE}: {wrong}") from None
    named = tuple(m if m.id else m.model_copy(update={"id": slug(m.name)}) for m in found)
    if len({mailbox.id for mailbox in named}) < len(named):
        raise SettingsError(f"{VARIABLE}: two mailboxes have the same id or name; give each its own id")
    return named


async def apply(backend: Backend) -> None:
    """Makes the mailboxes as declared. One that cannot be made so stays as it was, and the log says why."""
    for mailbox in backend.declared:
        mailbox_id = mailbox.id or slug(mailbox.name)
        try:
            await store.declare(backend, mailbox_id, mailbox, who=VARIABLE)
        except DomainError as refused:
            texts = [f"{error.field}: {error.text}" for error in refused.errors]
            log.error("declared_mailbox_refused", mailbox_id=mailbox_id, detail=refused.detail, errors=texts)


def _text(setting: str) -> str:
    if setting.startswith(("[", "{")):
        return setting
    try:
        return Path(setting).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{VARIABLE}: cannot read the file: {type(error).__name__}") from None
