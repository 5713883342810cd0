"""Where mail is moved to must not be where it is read, in any spelling: it would be fetched and moved for ever.

Whether two names are one folder only the mail server knows for sure; the connection test and the fetcher ask it. Here
is refused what some server takes for one: names that differ in case, or in the separator of levels.
"""

from config_api.web.problem import FieldError, invalid
from pipeline.contracts.mailbox import MailboxSettings

SAME = "This is the folder that is read: mail moved there would be fetched again. Choose another folder."


def expect_elsewhere(settings: MailboxSettings) -> None:
    """Raises Problem 422 for each move into a folder that is read."""
    read = {_spelled(folder) for folder in settings.all_folders}
    actions = {name: getattr(settings, name) for name in ("on_processed", "on_failed", "on_not_a_report")}
    wrong = [
        FieldError(field=f"{name}.folder", text=SAME)
        for name, action in actions.items()
        if action.folder is not None and _spelled(action.folder) in read
    ]
    if wrong:
        raise invalid(*wrong)


def _spelled(folder: str) -> str:
    return folder.replace(".", "/").strip("/").casefold()
