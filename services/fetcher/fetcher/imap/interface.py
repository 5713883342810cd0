"""What the rest of the fetcher asks of a mail server: a session, whoever gives it. `imap.session` does, over IMAP."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fetcher.imap.grammar.answers import FolderStatus, Selected
from fetcher.imap.grammar.arguments import Criteria
from fetcher.imap.grammar.fetch_answer import Fetched, Meta
from fetcher.imap.grammar.names import Folder
from fetcher.imap.transport.account import Account, Deadlines, ProtocolLog
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings


class MailSession(AbstractAsyncContextManager["MailSession"], Protocol):
    """A signed-in session with one mailbox; the end of the block says goodbye.

    Every method raises ImapFault, and nothing else, when the server or the way to it fails; after a fault of category
    connectivity or timeout the session is at its end. Commands go out one at a time. UIDs are of the open folder.
    """

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do for this user, in upper case."""

    @property
    def alive(self) -> bool:
        """Whether the connection has not ended, as far as is known."""

    @property
    def selected(self) -> Selected | None:
        """The open folder as it was when it was opened."""

    async def folders(self) -> tuple[Folder, ...]:
        """All folders of the account."""

    async def status(self, folder: str) -> FolderStatus:
        """The counts of a folder. Nothing is opened, nothing changes."""

    async def examine(self, folder: str) -> Selected:
        """What `select` tells, from a folder that is opened for reading only: nothing changes, not even `\\Recent`."""

    async def select(self, folder: str) -> Selected:
        """Opens a folder, for reading and changing. `name` of the answer is the folder's real name."""

    async def search(self, criteria: Criteria) -> list[int]:
        """UIDs in rising order; perhaps too many, so that `filters.matches` decides.

        An empty folder is not searched: some servers answer NO there.
        """

    async def fetch_meta(
        self, uids: Iterable[int], *, headers: bool = False, alone: Collection[int] = ()
    ) -> list[Meta]:
        """Size, date, flags, with `headers` From and Subject too, by rising UID; vanished emails are left out.

        Raises Withheld for those that the server does not give out. `alone`: UIDs to ask for one at a time.
        """

    def fetch_bodies(
        self, wanted: Iterable[Meta], *, max_bytes: int, alone: Collection[int] = ()
    ) -> AsyncIterator[Fetched]:
        """One `Fetched` for each meta, by rising UID, while memory holds about 8 MiB, or one larger email.

        Raises Withheld, after the others, for those that the server does not give out. `alone` as above.
        """

    async def is_no_longer(self, uids: Collection[int], *, max_bytes: int) -> frozenset[int]:
        """Those of the emails that end within `max_bytes`, whatever the server says about their size."""

    async def mark_read(self, uids: Iterable[int]) -> None:
        """Flags the emails `\\Seen`."""

    async def make_folder(self, folder: str) -> None:
        """Makes a folder that is missing. Raises ImapFault where the server refuses."""

    async def move(self, uids: Iterable[int], folder: str) -> None:
        """Moves the emails; a missing folder is created. Into the open folder itself nothing needs to be moved."""

    async def delete(self, uids: Iterable[int]) -> None:
        """Removes the emails; on a server without UIDPLUS they are flagged `\\Deleted` and stay."""

    async def wait_for_mail(self, timeout_s: float) -> bool:
        """Waits until the server announces an email, at most `timeout_s`; whether it did.

        Without IDLE, and in a session in which the server refused it, the server is asked once a minute. An email that
        was announced since the folder was opened, or since the last search began, counts too; older news are not told
        again: search first.
        """


class SignIn(Protocol):
    """What gives signed-in sessions. Raises ImapFault; TryLater while the broker, which keeps tokens, is away."""

    async def __call__(
        self,
        settings: MailboxSettings,
        secrets: MailboxSecrets,
        *,
        log: ProtocolLog,
        deadlines: Deadlines | None = None,
    ) -> MailSession:
        """A session of its own."""
        ...


class OpenSession(Protocol):
    """What opens a session for an account. Raises ImapFault."""

    async def __call__(self, account: Account, *, log: ProtocolLog) -> MailSession:
        """Connects, encrypts, signs in."""
        ...
