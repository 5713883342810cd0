"""aioimaplib's client protocol with its reading, its continuations and its endings mended.

The library keeps tags, the states of a session and the commands that wait for their answers. What version 2.0.3 gets
wrong is replaced here:

    reading          recursive, quadratic, unbounded, loses "* " inside lines  -> `AnswerReader`, whole answers
    connection lost  pending commands wait for ever                            -> they fail at once
    "+"              a rejected token is never answered, no literals           -> `Exchange.reply_to`
    greeting         BYE shows as a timeout                                    -> `greeting` is a future
    debug log        every chunk and command formatted, whether read or not    -> nothing is logged here
"""

import asyncio
import re
import ssl
from typing import Any

import aioimaplib

from fetcher.imap.concealing import Concealer
from fetcher.imap.exchange import Exchange, kind_of
from fetcher.imap.faults import ImapFault, fault_in_session, fault_of_status
from fetcher.imap.status import Status, parse_status
from fetcher.imap.wire import Answer, AnswerReader, Bounds
from pipeline.connection import Category

CRLF = b"\r\n"
_TAGGED = re.compile(rb"[A-Za-z0-9]+ (?:OK|NO|BAD)\b")


class Protocol(aioimaplib.IMAP4ClientProtocol):
    """One connection, one command at a time. `lost` tells why it ended; None while it lives.

    `mails` is how many the open folder holds, None where the server has not said. `announced` is set when it grows, in
    whatever command the server says so: a mail that comes while others are being fetched is announced then, and in no
    later IDLE.
    """

    transport: asyncio.Transport | None  # type: ignore[assignment]  # the library says None

    def __init__(self, bounds: Bounds, concealer: Concealer) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop)
        self.greeting: asyncio.Future[bytes] = loop.create_future()
        self.lost: ImapFault | None = None
        self._reader = AnswerReader(bounds)
        self._concealer = concealer
        self._goodbye: Status | None = None
        self._awaits_tls = False
        self.announced = False
        self.mails: int | None = None

    def data_received(self, d: bytes) -> None:
        """Reads whole answers; the first that breaks a rule ends the connection."""
        running = self._running()
        if running is not None:
            running.heard()
        try:
            for answer in self._reader.feed(d):
                self._take(answer)
            if self._awaits_tls and self._reader.pending:
                raise _tampering()
        except ImapFault as fault:
            self.give_up(fault)
        except (aioimaplib.Error, ValueError) as error:
            why = f": {error}" if self.is_signed_in else ""  # it may repeat what was sent
            self.give_up(ImapFault(Category.CONNECTIVITY, f"the server's answer cannot be understood{why}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever still waits for the server learns that nothing will come."""
        why = f" ({type(exc).__name__})" if exc else ""
        fault = ImapFault(Category.CONNECTIVITY, f"the connection to the server was lost{why}: try again later")
        if self._goodbye is not None:
            fault = self._fault_of_goodbye(self._goodbye)
        self._end(fault)

    def give_up(self, fault: ImapFault) -> None:
        """Ends the connection at once; what waits on it fails with `fault`."""
        self._end(fault)
        if self.transport is not None:
            self.transport.abort()

    def ensure_alive(self) -> None:
        """Raises the fault that ended the connection, if it has ended."""
        if self.lost is not None:
            raise ImapFault(self.lost.category, self.lost.detail, code=self.lost.code)

    async def execute(self, command: aioimaplib.Command, scrub: str | None = None) -> Any:  # noqa: ARG002  # its signature
        """Sends the command and waits until the server has ended it. Raises ImapFault if it never does."""
        self.ensure_alive()
        try:
            return await super().execute(command)
        except aioimaplib.CommandTimeout as error:
            raise ImapFault(
                Category.TIMEOUT, f"the server does not answer ({command.name}): try again later"
            ) from error
        except aioimaplib.Error as error:
            raise ImapFault(Category.CONNECTIVITY, f"the session is in no state for {command.name}") from error

    def send(self, line: str, scrub: str | None = None) -> None:  # noqa: ARG002  # its signature
        """Writes a line. Nothing is logged: it may hold a secret."""
        self.write(line.encode("ascii"))

    def write(self, line: bytes) -> None:
        """Writes a line, or a literal and the rest of its line; nothing once the connection has ended."""
        if self.transport is not None and self.lost is None:
            self.transport.write(line + CRLF)

    async def start_tls(self, context: ssl.SSLContext, *, host: str) -> None:
        """Encrypts the connection, after the server has agreed to STARTTLS. Raises OSError (ssl.SSLError)."""
        self.ensure_alive()
        if self.transport is not None:
            loop = asyncio.get_running_loop()
            self.transport = await loop.start_tls(self.transport, self, context, server_hostname=host)
        self._awaits_tls = False

    @property
    def is_signed_in(self) -> bool:
        """Whether the server knows who we are."""
        return self.state in (aioimaplib.AUTH, aioimaplib.SELECTED)

    def greeted(self) -> None:
        """The session is open; nobody has signed in yet."""
        self.state = aioimaplib.NONAUTH

    def signed_in(self) -> None:
        """The server knows who we are, and no folder is selected (a failed SELECT ends here too)."""
        self.state = aioimaplib.AUTH

    def folder_opened(self) -> None:
        """A folder is selected."""
        self.state = aioimaplib.SELECTED

    def _take(self, answer: Answer) -> None:
        line = answer[0]
        if self._awaits_tls:
            raise _tampering()
        if not self.greeting.done():
            self.greeting.set_result(line)
        elif line.startswith(b"* "):
            self._take_untagged(answer)
        elif line.startswith(b"+"):
            self._continuation(line)
        elif _TAGGED.match(line):
            self._response_done(line)
        else:
            raise ValueError("neither an answer nor a status")

    def _take_untagged(self, answer: Answer) -> None:
        if answer[0][2:5].upper() == b"BYE":
            self._goodbye = parse_status(answer[0][2:])
        self._count_mails(answer)
        running = self._running()
        if running is not None:
            running.take(answer)

    def _count_mails(self, answer: Answer) -> None:
        kind = kind_of(answer)
        if kind == b"EXPUNGE":
            self.mails = max(self.mails - 1, 0) if self.mails is not None else None
        elif kind == b"EXISTS":
            mails = int(answer[0].split(b" ", 2)[1])
            self.announced = self.announced or mails > (self.mails or 0)
            self.mails = mails

    def _continuation(self, line: bytes) -> None:
        running = self._running()
        reply = running.reply_to(line[2:]) if running is not None else None
        if reply is not None:
            self.write(reply)

    def _response_done(self, line: bytes) -> None:
        running = self._running()
        super()._response_done(line)
        self._awaits_tls = running is not None and running.name == "STARTTLS" and running.status.ok

    def _fault_of_goodbye(self, goodbye: Status) -> ImapFault:
        if self.is_signed_in:
            return fault_in_session(goodbye)
        return fault_of_status(self._concealer.status(goodbye), otherwise=Category.CONNECTIVITY)

    def _running(self) -> Exchange | None:
        waiting = (self.pending_sync_command, *self.pending_async_commands.values())
        return next((exchange for exchange in waiting if exchange is not None), None)

    def _end(self, fault: ImapFault) -> None:
        if self.lost is not None:
            return
        self.lost = fault
        if not self.greeting.done():
            self.greeting.set_exception(fault)
            self.greeting.exception()  # nobody may be waiting for it any more
        running = self._running()
        if running is not None:
            running.fail(fault)


def _tampering() -> ImapFault:
    return ImapFault(Category.TLS, "the server sent plain text after STARTTLS; somebody may be tampering")
