"""One connection to an IMAP server: commands go out one at a time, with a deadline round each."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fetcher.imap.grammar.answers import found_uids
from fetcher.imap.grammar.arguments import Argument, FolderName, lines
from fetcher.imap.grammar.faults import ImapFault, Status, fault_in_session
from fetcher.imap.grammar.tokens import Answer
from fetcher.imap.transport.account import Account, ProtocolLog
from fetcher.imap.transport.concealing import Concealer
from fetcher.imap.transport.exchange import Exchange, Idle
from fetcher.imap.transport.protocol import Protocol
from fetcher.imap.transport.wire import MIN_BYTES_A_SECOND_TOGETHER, Allowance, allowance_of
from pipeline.contracts.connection_test import Category

T = TypeVar("T")
NOTHING: frozenset[bytes] = frozenset()
SEARCH = frozenset((b"SEARCH", b"ESEARCH"))


@dataclass(frozen=True, slots=True)
class Reply:
    """How a command ended, its untagged answers of the wanted kinds, and the challenges that came with it."""

    status: Status
    answers: Sequence[Answer]
    challenges: Sequence[bytes] = ()

    def required(self) -> "Reply":
        """Itself, when the server carried the command out. Raises ImapFault for NO and BAD."""
        if not self.status.ok:
            raise fault_in_session(self.status)
        return self

    def read(self, parse: Callable[[Sequence[Answer]], T]) -> T:
        """The untagged answers as `parse` understands them. Raises ImapFault where it raises ValueError."""
        try:
            return parse(self.answers)
        except ValueError as error:
            detail = f"the server's answer cannot be understood ({error})"
            raise ImapFault(Category.CONNECTIVITY, detail) from error


class Connection:
    """A command that is cut short ends the connection, as its answer could be taken for the next one's.

    `capabilities` are in upper case. `greeting` is the text the server greeted with. `listed`: the folders that the
    server has listed, by the name for people, as it wrote them. `cannot_search`: "text" and "date", where it refused.
    """

    def __init__(self, account: Account, *, log: ProtocolLog) -> None:
        self.account = account
        self.log = log
        self.concealer = Concealer(account.secret)
        self.protocol = Protocol(self.concealer, self._note_oddity)
        self.capabilities: frozenset[str] = frozenset()
        self.greeting = ""
        self.listed: Mapping[str, bytes] = {}
        self.cannot_search: frozenset[str] = frozenset()
        self._oddities: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def ask(
        self,
        name: str,
        *arguments: Argument,
        wanted: frozenset[bytes] | None = NOTHING,
        secret: bool = False,
        allowance: Allowance | None = None,
    ) -> Reply:
        """The server's reply, whether OK, NO or BAD; `name` is such as "UID FETCH".

        `wanted`: the kinds of untagged answers to keep, None for all. `secret`: keeps the arguments out of the log.
        `allowance`: what the answers may cost, where the command's name does not tell.
        Raises ImapFault for silence, for a lost connection and for an answer that breaks the protocol.
        """
        on_the_wire = [self._as_listed(argument) for argument in arguments]
        exchange = Exchange(name, lines(on_the_wire), wanted=wanted, quiet_s=self.account.deadlines.quiet_s)
        return await self._run(exchange, shown="" if secret else _shown(on_the_wire), allowance=allowance)

    async def find(self, *keys: Argument) -> list[int]:
        """The UIDs in the open folder that a plain UID SEARCH with these keys finds, rising. Raises ImapFault."""
        reply = (await self.ask("UID SEARCH", *keys, wanted=SEARCH)).required()
        return await asyncio.to_thread(reply.read, found_uids)  # a million UIDs take half a second

    async def authenticate(self, mechanism: str, response: bytes, *, refusal: bytes, at_once: bool) -> Reply:
        """AUTHENTICATE with one SASL response (base64), sent `at_once` (RFC 4959) or when the server asks for it."""
        arguments = (mechanism, response.decode("ascii")) if at_once else (mechanism,)
        quiet_s = self.account.deadlines.quiet_s
        exchange = Exchange("AUTHENTICATE", lines(arguments), wanted=NOTHING, quiet_s=quiet_s)
        exchange.refusal = refusal
        if at_once:
            exchange.again = response  # some ask in spite of it
        else:
            exchange.replies.append(response)
        return await self._run(exchange, shown=mechanism)

    def refuses(self, extension: str, status: Status) -> None:
        """Remembers for this session that the server advertises an extension and does not know it."""
        self.capabilities -= {extension}
        self.log("info", "extension_refused", {"extension": extension, "text": status.text})

    async def idle(self, timeout_s: float) -> bool:
        """Waits in IDLE for at most `timeout_s`; whether an email was announced."""
        quiet_s = timeout_s + self.account.deadlines.quiet_s
        exchange = Idle(quiet_s=quiet_s, has_grown=lambda: self.protocol.announced)
        running = asyncio.create_task(self._run(exchange, shown=""))
        try:
            async with asyncio.timeout(timeout_s):
                await exchange.woken.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            raise
        if self.protocol.has_pending_idle_command() and (line := exchange.farewell()) is not None:
            self.protocol.write(line)
        try:
            return await self._ended(running, exchange)
        finally:
            del running  # its fault would hold on to this frame, and this frame to the task

    async def _ended(self, running: "asyncio.Task[Reply]", exchange: Idle) -> bool:
        """Whether mail was announced in an IDLE that has been told to end: a server that lives does so at once."""
        try:
            async with asyncio.timeout(self.account.deadlines.farewell_s):
                (await running).required()
        except TimeoutError as error:
            detail = "the server no longer answers in IDLE: the connection is dead"
            raise ImapFault(Category.TIMEOUT, detail) from error
        finally:
            del running
        return exchange.announced

    @property
    def tls_version(self) -> str | None:
        """Such as "TLSv1.3"; None without encryption."""
        transport = self.protocol.transport
        ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
        return ssl_object.version() if ssl_object is not None else None

    async def ask_capabilities(self) -> None:
        """What the server can do, as it says now: it says other things before and after TLS and sign-in."""
        reply = await self.ask("CAPABILITY", wanted=frozenset((b"CAPABILITY",)))
        if not reply.status.ok:
            return  # then it can do what every server can, or what it said before
        words = b" ".join(answer[0] for answer in reply.answers).decode("ascii", "replace").upper().split()
        self.capabilities = frozenset(words) - {"*", "CAPABILITY"}

    def abort(self) -> None:
        """Closes the connection without a word."""
        self.protocol.give_up(ImapFault(Category.CONNECTIVITY, "the connection was closed"))

    def _as_listed(self, argument: Argument) -> Argument:
        """A folder's name as the server wrote it when it listed its folders."""
        if not isinstance(argument, FolderName) or argument.name not in self.listed:
            return argument
        return FolderName(argument.name, self.listed[argument.name])

    def _note_oddity(self, what: str) -> None:
        if what not in self._oddities:
            self._oddities.add(what)
            self.log("info", "skipped", {"what": what})

    async def _run(self, exchange: Exchange, *, shown: str, allowance: Allowance | None = None) -> Reply:
        began = time.monotonic()
        async with self._one_at_a_time:
            await self._within_deadline(exchange, allowance)
        status = exchange.status if self.protocol.is_signed_in else self.concealer.status(exchange.status)
        if not (status.ok and exchange.is_routine):
            self._tell(exchange, status, shown, began)
        return Reply(status, exchange.answers, exchange.challenges)

    def _tell(self, exchange: Exchange, status: Status, shown: str, began: float) -> None:
        facts = {
            "command": f"{exchange.prefix} {exchange.name}".lstrip(),
            "arguments": shown,
            "result": status.result,
            "text": "" if status.ok else status.text,
            "answers": len(exchange.answers),
            "ms": round((time.monotonic() - began) * 1000),
        }
        self.log("debug" if status.ok else "warning", "command", facts)

    async def _within_deadline(self, exchange: Exchange, allowance: Allowance | None) -> None:
        """What is known to be small must not take as long as what may be large."""
        deadlines = self.account.deadlines
        limit_s = deadlines.command_s
        if allowance is not None:
            limit_s = min(limit_s, 2 * deadlines.quiet_s + allowance.total / MIN_BYTES_A_SECOND_TOGETHER)
        finished = False
        try:
            async with asyncio.timeout(limit_s):
                await self.protocol.run(exchange, allowance or allowance_of(exchange.name))
            finished = True
        except TimeoutError as error:
            detail = f"the server does not finish {exchange.name}: try again later"
            raise ImapFault(Category.TIMEOUT, detail) from error
        finally:
            if not finished:
                self.abort()


def _shown(arguments: Sequence[Argument]) -> str:
    shown = (str(argument) if isinstance(argument, str | FolderName) else "{...}" for argument in arguments)
    return " ".join(shown)[:200]
