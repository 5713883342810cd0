"""One command and all that the server answers to it, on top of aioimaplib's `Command`."""

import asyncio
from collections.abc import Callable, Sequence

import aioimaplib

from fetcher.imap.faults import ImapFault
from fetcher.imap.quoting import Argument, lines
from fetcher.imap.status import Status, parse_status
from fetcher.imap.wire import Answer
from pipeline.connection import Category
from pipeline.limits import MiB

MAX_CHALLENGES = 5
MAX_ANSWERS = 200_000
MAX_BYTES = 256 * MiB  # of all answers; a server that said small sizes may send large mails


class Exchange(aioimaplib.Command):
    """A command on its way.

    `replies` are sent one by one, each after a "+": the rest of a command with literals, or SASL responses. To a "+"
    beyond them `refusal` is sent, which makes a server say why it rejects a token (RFC 7628 section 3.2.3).
    `wanted`: the kinds of untagged answers to keep, None for all of them. `quiet_s`: the longest silence.
    """

    refusal = b""

    def __init__(
        self, tag: str, name: str, arguments: Sequence[Argument], *, wanted: frozenset[bytes] | None, quiet_s: float
    ) -> None:
        prefix = "UID" if name.startswith("UID ") else ""
        head, *self.replies = lines(arguments)
        super().__init__(
            name.removeprefix("UID "), tag, *filter(None, (head.decode("ascii"),)), prefix=prefix, timeout=quiet_s
        )
        self.answers: list[Answer] = []
        self.challenges: list[bytes] = []
        self._wanted = wanted
        self._bytes = 0

    @property
    def status(self) -> Status:
        """How the server ended the command; only once it has."""
        result, lines_so_far = self.response
        return parse_status(b"%s %s" % (result.encode("ascii"), lines_so_far[-1]))

    @property
    def is_routine(self) -> bool:
        """Whether it is sent again and again, and brought nothing that is worth a line in a log."""
        return self.name == "NOOP" and not self.answers

    def take(self, answer: Answer) -> None:
        """Keeps an untagged answer, if it is wanted. Raises ImapFault when there are too many, or too large ones."""
        if self._wanted is not None and kind_of(answer) not in self._wanted:
            return
        if len(self.answers) >= MAX_ANSWERS:
            raise ImapFault(Category.CONNECTIVITY, f"the server sent over {MAX_ANSWERS} lines for one command")
        self._bytes += sum(map(len, answer))
        if self._bytes > MAX_BYTES:
            raise ImapFault(Category.CONNECTIVITY, f"the server sent over {MAX_BYTES} bytes for one command")
        self.answers.append(answer)

    def reply_to(self, challenge: bytes) -> bytes | None:
        """What to send after a "+"; None for nothing."""
        if self.replies:
            return self.replies.pop(0)
        self.challenges.append(challenge)
        if len(self.challenges) > MAX_CHALLENGES:
            raise ImapFault(Category.CONNECTIVITY, "the server asks again and again for more of a command")
        return self.refusal

    def heard(self) -> None:
        """The server said something: its silence counts from here."""
        self._reset_timer()

    def fail(self, fault: ImapFault) -> None:
        """No answer will come any more."""
        self._timer.cancel()
        self._exception = fault  # type: ignore[assignment]  # the library says None
        self._event.set()


class Idle(Exchange):
    """The IDLE command (RFC 2177): `news` is set when a mail was announced, `stirred` then and when IDLE has ended."""

    def __init__(self, tag: str, *, quiet_s: float, has_grown: Callable[[], bool]) -> None:
        super().__init__(tag, "IDLE", (), wanted=frozenset(), quiet_s=quiet_s)
        self._has_grown = has_grown
        self.news = False
        self.stirred = asyncio.Event()
        self._invited = False

    @property
    def is_routine(self) -> bool:
        """Whether it ended without news, as one does in every minute."""
        return not self.news

    def take(self, answer: Answer) -> None:
        """Listens for new mail: some servers repeat an unchanged count for as long as IDLE lasts."""
        if kind_of(answer) == b"EXISTS" and self._has_grown():
            self.news = True
            self.stirred.set()

    def reply_to(self, _challenge: bytes) -> bytes | None:
        """Nothing, unless IDLE was to end before the server had agreed to it."""
        self._invited = True
        return self.replies.pop(0) if self.replies else None

    def farewell(self) -> bytes | None:
        """What ends IDLE now; None when it is sent later, because the server has not agreed to IDLE yet."""
        if self._invited:
            return b"DONE"
        self.replies.append(b"DONE")
        return None

    def close(self, line: bytes, result: str) -> None:
        """The server has ended IDLE."""
        super().close(line, result)
        self.stirred.set()

    def fail(self, fault: ImapFault) -> None:
        """The connection was lost in IDLE."""
        super().fail(fault)
        self.stirred.set()


def kind_of(answer: Answer) -> bytes:
    """b"FETCH" for b"* 7 FETCH (...)", b"OK" for b"* OK ..."."""
    words = answer[0].split(b" ", 3)
    numbered = len(words) > 2 and words[1].isdigit()
    return words[2 if numbered else 1].upper()
