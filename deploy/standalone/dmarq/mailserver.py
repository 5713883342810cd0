"""An IMAP server in memory, filled with sample mails: `python -m dmarq.mailserver ACCOUNT.json`.

It is pymap with its dictionary backend: UIDPLUS, MOVE and IDLE, as a fetcher needs them. For demos only: it forgets
everything when it ends. It listens when all mails are in.
"""

import asyncio
import sys
from argparse import Namespace
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from pymap.backend.dict import Config, DictBackend
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.bytes import WriteStream
from pymap.imap import IMAPService
from pymap.mime import MessageBody, MessageContent, MessageHeader
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import ObjectId

from dmarq.embedded.mailbox import DemoAccount
from dmarq.samples import make_mails


class LazyContent(MessageContent):
    """The content of a mail that is nothing but its bytes until a client asks for more."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property  # type: ignore[misc]  # final in pymap, where it is read when it is made
    def header(self) -> MessageHeader:
        """The parsed header."""
        return self._parsed().header

    @property  # type: ignore[misc]  # final in pymap, where it is read when it is made
    def body(self) -> MessageBody:
        """The parsed body."""
        return self._parsed().body

    @property  # type: ignore[misc]  # final in pymap, where it is read when it is made
    def lines(self) -> int:
        """The number of lines."""
        return self._parsed().lines

    def write(self, writer: WriteStream) -> None:
        """Write the whole mail."""
        writer.write(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return self._data

    def _parsed(self) -> MessageContent:
        return MessageContent.parse(self._data)


class LazyInbox(MailboxData):
    """A mailbox that takes mails without looking into them."""

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        """Add the mail under the next UID."""
        async with self.messages_lock.write_lock():
            self._max_uid += 1
            mail = Message(
                self._max_uid,
                append_msg.when or datetime.now(UTC),
                append_msg.flag_set,
                email_id=ObjectId.random_email_id(),
                thread_id=ObjectId.random_thread_id(),
                recent=recent,
                content=LazyContent(append_msg.literal),
            )
            self._messages[mail.uid] = mail
            self._mod_sequences.update([mail.uid])
            self._updated.set()
            return mail


class LazyMailboxes(MailboxSet):
    """The folders of one account; its INBOX is a lazy one."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox = LazyInbox(self._content_cache, self._thread_cache)


async def serve(account: DemoAccount) -> None:
    """Fill the INBOX, then answer until the process is ended."""
    backend, config = await DictBackend.init(_arguments(account))
    config.apply_context()
    await _fill(config, account)
    async with AsyncExitStack() as stack:
        await IMAPService(backend, config).start(stack)
        await asyncio.Event().wait()


async def _fill(config: Config, account: DemoAccount) -> None:
    mailboxes = LazyMailboxes()
    config.set_cache[account.username] = mailboxes, FilterSet()
    inbox = await mailboxes.get_mailbox("INBOX")
    for mail in make_mails(account.mails, account.seed, until=account.until):
        await inbox.append(AppendMessage(mail.raw, mail.received, frozenset()), recent=True)


def _arguments(account: DemoAccount) -> Namespace:
    """What pymap's own command line would have given."""
    return Namespace(
        host=account.host,
        port=account.port,
        demo_user=account.username,
        demo_password=account.password,
        demo_data=False,
        debug=False,
        tls=False,
        cert=None,
        key=None,
        inherited_sockets=None,
        passlib_cfg=None,
        proxy_protocol=None,
    )


def main() -> None:
    """Serve the account that the file describes."""
    account = DemoAccount.model_validate_json(Path(sys.argv[1]).read_bytes())
    asyncio.run(serve(account))


if __name__ == "__main__":
    main()
