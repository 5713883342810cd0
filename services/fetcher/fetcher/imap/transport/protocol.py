"""aioimaplib's client protocol with its reading, continuations and endings put right; it is imported here alone.

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
from collections.abc import Callable

import aioimaplib

from fetcher.imap.grammar.faults import ImapFault, Status, fault_in_session, fault_of_status, parse_status
from fetcher.imap.grammar.tokens import Answer, kind_of, number
from fetcher.imap.transport.concealing import Concealer
from fetcher.imap.transport.exchange import Exchange
from fetcher.imap.transport.memory import give_the_rest_back
from fetcher.imap.transport.wire import Allowance, AnswerReader, Budget, MinimumRate
from pipeline.contracts.connection_test import Category
from pipeline.contracts.limits import MiB

CRLF = b"\r\n"
MUCH_BYTES = 2 * MiB  # of one connection
TRIM_AFTER_S = 0.5  # then whoever waited for the answers has let go of them
ANSWERS_A_TURN = 1000  # then the event loop may do something else
_TAGGED = re.compile(rb"[A-Za-z0-9]{1,40} (?:OK|NO|BAD)\b", re.IGNORECASE)
_BARE_CODE = re.compile(rb"\[[A-Z-]{1,40}[ \]]", re.IGNORECASE)


class _Pending(aioimaplib.Command):
    """The library's command, which tells its exchange how it ended."""

    def __init__(self, exchange: Exchange, tag: str) -> None:
        head = exchange.head.decode("latin-1")
        super().__init__(exchange.name, tag, *filter(None, (head,)), prefix=exchange.prefix, timeout=exchange.quiet_s)
        self.exchange = exchange

    def heard(self) -> None:
        """The server said something: its silence counts from here."""
        self._reset_timer()

    def fail(self, fault: ImapFault) -> None:
        """No answer will come any more."""
        self._timer.cancel()
        self._exception = fault  # type: ignore[assignment]  # the library says None
        self._event.set()
        self.exchange.failed()


class Protocol(aioimaplib.IMAP4ClientProtocol):
    """One connection, one command at a time. `lost` tells why it ended; None while it lives.

    `mails` is how many the open folder holds, None where the server has not said. `announced` is set when it grows, in
    whatever command the server says so: an email that comes while others are being fetched is announced then, and in no
    later IDLE. `on_oddity` is told of lines that are neither an answer nor a status; they are skipped.
    """

    transport: asyncio.Transport | None  # type: ignore[assignment]  # the library says None

    def __init__(self, concealer: Concealer, on_oddity: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop)
        self.greeting: asyncio.Future[bytes] = loop.create_future()
        self.lost: ImapFault | None = None
        self._reader = AnswerReader()
        self._rate = MinimumRate()
        self._concealer = concealer
        self._on_oddity = on_oddity
        self._goodbye: Status | None = None
        self._awaits_tls = False
        self._is_paused = False
        self._bytes = 0
        self.announced = False
        self.mails: int | None = None

    def data_received(self, d: bytes) -> None:
        """Reads whole answers; the first that breaks a rule ends the connection."""
        running = self._running()
        if running is not None:
            running.heard()
        if self.lost is None:
            self._bytes += len(d)
            self._reader.feed(d)
        if not self._is_paused:
            self._read_on()
        if running is not None and self.lost is None:
            self._ensure_rate(len(d), grace_s=2 * running.exchange.quiet_s)

    def _ensure_rate(self, size: int, *, grace_s: float) -> None:
        now = asyncio.get_running_loop().time()
        try:
            self._rate.heard(size, now, grace_s=grace_s, unfinished=self._reader.pending and not self._is_paused)
        except ImapFault as fault:
            self.give_up(fault)

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
            raise self.lost.again()

    async def run(self, exchange: Exchange, allowance: Allowance) -> None:
        """Sends the command and waits until the server has ended it. Raises ImapFault if it never does."""
        self.ensure_alive()
        self._reader.budget = Budget(allowance)
        try:
            await self.execute(_Pending(exchange, self.new_tag()))
        except aioimaplib.CommandTimeout as error:
            raise ImapFault(
                Category.TIMEOUT, f"the server does not answer ({exchange.name}): try again later"
            ) from error
        except aioimaplib.Error as error:
            raise ImapFault(Category.CONNECTIVITY, f"the session is in no state for {exchange.name}") from error
        finally:
            self._reader.budget = Budget(Allowance())

    def send(self, line: str, scrub: str | None = None) -> None:  # noqa: ARG002  # its signature
        """Writes a line. Nothing is logged: it may hold a secret."""
        self.write(line.encode("latin-1"))

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

    def _read_on(self) -> None:
        self._is_paused = False
        try:
            if self._take_some() and self._awaits_tls and self._reader.pending:
                raise _tampering()
        except ImapFault as fault:
            self.give_up(fault)
        except (aioimaplib.Error, ValueError) as error:
            why = f": {error}" if self.is_signed_in else ""  # it may repeat what was sent
            self.give_up(ImapFault(Category.CONNECTIVITY, f"the server's answer cannot be understood{why}"))

    def _take_some(self) -> bool:
        """Takes the whole answers that were read; False when there may be more than fit in one turn of the loop."""
        blank_lines = self._reader.blank_lines
        for _ in range(ANSWERS_A_TURN):
            answer = self._reader.answer() if self.lost is None else None
            if answer is None:
                if self._reader.blank_lines > blank_lines:
                    self._on_oddity("a blank line behind a literal")
                self._resume()
                return True
            self._take(answer)
        self._pause()
        return False

    def _pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        self._is_paused = True
        asyncio.get_running_loop().call_soon(self._read_on)

    def _resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing() and not self.transport.is_reading():
            self.transport.resume_reading()

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
            self._skip(answer)

    def _skip(self, answer: Answer) -> None:
        """Nothing of the line is told: it may be a piece of an email, or repeat what was sent."""
        self._drop(answer)
        line = answer[0].strip()
        if not line:
            self._on_oddity("a blank line")
        else:
            self._on_oddity("a response code alone" if _BARE_CODE.match(line) else "a line that is no answer")

    def _take_untagged(self, answer: Answer) -> None:
        if answer[0][2:5].upper() == b"BYE":
            self._goodbye = parse_status(answer[0][2:])
        self._count_mails(answer)
        running = self._running()
        if running is None or not running.exchange.keep(answer):
            self._drop(answer)

    def _drop(self, answer: Answer) -> None:
        self._reader.budget.drop(sum(map(len, answer)), len(answer))

    def _count_mails(self, answer: Answer) -> None:
        kind = kind_of(answer)
        if kind == b"EXPUNGE":
            self.mails = max(self.mails - 1, 0) if self.mails is not None else None
        elif kind == b"EXISTS":
            mails = number(answer[0].split(b" ", 2)[1])
            self.announced = self.announced or mails > (self.mails or 0)
            self.mails = mails

    def _continuation(self, line: bytes) -> None:
        running = self._running()
        reply = running.exchange.reply_to(line[2:]) if running is not None else None
        if reply is not None:
            self.write(reply)

    def _response_done(self, line: bytes) -> None:
        running = self._running()
        if running is not None and line.startswith(running.tag.encode("ascii") + b" "):
            running.exchange.ended(line.partition(b" ")[2])
        super()._response_done(line)
        self._awaits_tls = running is not None and running.name == "STARTTLS" and running.exchange.status.ok

    def _fault_of_goodbye(self, goodbye: Status) -> ImapFault:
        if self.is_signed_in:
            return fault_in_session(goodbye)
        return fault_of_status(self._concealer.status(goodbye), otherwise=Category.CONNECTIVITY)

    def _running(self) -> _Pending | None:
        waiting = (self.pending_sync_command, *self.pending_async_commands.values())
        return next((pending for pending in waiting if pending is not None), None)

    def _end(self, fault: ImapFault) -> None:
        if self.lost is not None:
            return
        self.lost = fault = fault.again()
        self._reader.forget()
        if self._bytes >= MUCH_BYTES:
            asyncio.get_running_loop().call_later(TRIM_AFTER_S, give_the_rest_back)
        if not self.greeting.done():
            self.greeting.set_exception(fault.again())
            self.greeting.exception()  # nobody may be waiting for it any more
        running = self._running()
        if running is not None:
            running.fail(fault.again())


def _tampering() -> ImapFault:
    return ImapFault(Category.TLS, "the server sent plain text after STARTTLS; somebody may be tampering")
