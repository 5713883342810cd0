"""What no setting by itself shows to be wrong, but would never work: asked of what a person or a program sends.

Settings that were stored once stay readable whatever they say: the contract takes them, only a change is refused.

Whether two names are one folder only the mail server knows for sure; the connection test and the fetcher ask it. Here
is refused what some server takes for one: names that differ in case, or in the separator of levels.
"""

import re
from collections.abc import Iterator

from config_api.web.problem import FieldError, invalid
from pipeline.contracts.mailbox_settings import SAME_FOLDER, MailboxSettings

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|[^\s@.]+(\.[^\s@.]+)+\.?")
NO_FORMAT = "Choose at least one format: without one, no report would be read."


def expect_sound(settings: MailboxSettings) -> None:
    """Raises Problem 422, each error at its field."""
    wrong = [*_moves_in_circles(settings), *_unusable_senders(settings)]
    if not settings.attachments.formats:
        wrong.append(FieldError(field="attachments.formats", text=NO_FORMAT))
    if wrong:
        raise invalid(*wrong)


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
