"""pymap's mailbox in memory, made fit for thousands of mails: a mail is parsed when a client asks for its insides.

pymap parses every mail when it arrives, with the standard library's slow and careful header parser: 2 ms and 90 kB a
mail. Fetchers ask for whole mails, which need no parsing. This leans on the inside of pymap's dictionary backend
(0.36), like any backend of pymap that brings its own mailbox.
"""

from datetime import UTC, datetime

from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.bytes import WriteStream
from pymap.mime import MessageBody, MessageContent, MessageHeader
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import ObjectId


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
