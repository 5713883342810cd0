"""Whether two names are one folder: a server may ignore case, or show a folder below a second prefix.

IMAP has no way to ask that every server knows. But two folders of one account that agree in UIDVALIDITY, in UIDNEXT and
in the number of emails are one folder, unless both are new: RFC 3501 section 2.3.1.1.
"""

from fetcher.imap import FolderStatus, ImapFault, ImapSession, Selected
from pipeline.contracts.connection_test import Category

ASK = 3  # times, as an email may come in between two questions


def agree(one: FolderStatus, other: FolderStatus) -> bool:
    """Whether these are the counts of one folder; False when nothing was ever in it, which says nothing."""
    same = (one.uidvalidity, one.uidnext, one.mails) == (other.uidvalidity, other.uidnext, other.mails)
    return same and one.uidvalidity is not None and (one.uidnext or 0) > 1


class SameFolder:
    """Remembers which folders are known to be two."""

    def __init__(self) -> None:
        self._different: set[tuple[str, str]] = set()

    async def is_same(self, session: ImapSession, source: Selected, target: str) -> bool:
        """Whether an email moved from the open folder to `target` stays where it is. Raises ImapFault.

        A target that is spelled exactly as the open folder is no matter: nothing is moved then.
        """
        if target == source.name or (source.name, target) in self._different:
            return False
        try:
            for _ in range(ASK):
                there = await session.status(target)
                if there.uidvalidity != source.uidvalidity:
                    self._different.add((source.name, target))
                    return False
                if agree(there, await session.status(source.name)):
                    return True
        except ImapFault as fault:
            if not session.alive or fault.category is Category.THROTTLED:
                raise
        return False  # there is no such folder yet, or the server does not tell
