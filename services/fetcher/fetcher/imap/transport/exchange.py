"""One command and all that the server answers to it. Pure: `protocol` sends and hears."""

import asyncio
from collections.abc import Callable, Sequence

from fetcher.imap.grammar.faults import ImapFault, Status, parse_status
from fetcher.imap.grammar.tokens import Answer, kind_of
from pipeline.contracts.connection_test import Category

MAX_CHALLENGES = 5


class Exchange:
    """A command on its way.

    `pieces` are its arguments as lines: the first is sent at once. `replies`, the others, are sent one by one, each
    after a "+": the rest of a command with literals, or SASL responses; `again` is sent to a "+" that asks for what was
    sent already. To a "+" beyond them `refusal` is sent in a sign-in, which makes a server say why it rejects a token
    (RFC 7628 section 3.2.3); to any other command nothing, for a line of its own would be no command.
    `wanted`: the kinds of untagged answers to keep, None for all of them. `quiet_s`: the longest silence.
    """

    refusal = b""
    again: bytes | None = None

    def __init__(
        self,
        name: str,
        pieces: Sequence[bytes],
        *,
        wanted: frozenset[bytes] | None,
        quiet_s: float,
    ) -> None:
        self.prefix = "UID" if name.startswith("UID ") else ""
        self.name = name.removeprefix("UID ")
        self.head, *self.replies = pieces
        self.quiet_s = quiet_s
        self.answers: list[Answer] = []
        self.challenges: list[bytes] = []
        self.status = Status("BAD", text="not answered")
        self._wanted = wanted

    @property
    def is_routine(self) -> bool:
        """Whether it is sent again and again, and brought nothing that is worth a line in a log."""
        return self.name == "NOOP" and not self.answers

    def keep(self, answer: Answer) -> bool:
        """Keeps an untagged answer, if it is wanted; whether it was."""
        is_wanted = self._wanted is None or kind_of(answer) in self._wanted
        if is_wanted:
            self.answers.append(answer)
        return is_wanted

    def reply_to(self, challenge: bytes) -> bytes | None:
        """What to send after a "+"; None for nothing."""
        if self.replies:
            return self.replies.pop(0)
        if self.again is not None and not challenge.strip():
            again, self.again = self.again, None
            return again
        self.challenges.append(challenge)
        if len(self.challenges) > MAX_CHALLENGES:
            raise ImapFault(Category.CONNECTIVITY, "the server asks again and again for more of a command")
        return self.refusal if self.name == "AUTHENTICATE" else None

    def ended(self, line: bytes) -> None:
        """The server's tagged answer, without its tag. Raises ValueError for nonsense."""
        self.status = parse_status(line)

    def failed(self) -> None:
        """No answer will come any more."""


class Idle(Exchange):
    """The IDLE command (RFC 2177): `announced` is set with an email, `woken` then and when IDLE ends."""

    def __init__(self, *, quiet_s: float, has_grown: Callable[[], bool]) -> None:
        super().__init__("IDLE", (b"",), wanted=frozenset(), quiet_s=quiet_s)
        self._has_grown = has_grown
        self.announced = False
        self.woken = asyncio.Event()
        self._invited = False

    @property
    def is_routine(self) -> bool:
        """Whether it announced nothing, as one does in every minute."""
        return not self.announced

    def keep(self, answer: Answer) -> bool:
        """Listens for new emails: some servers repeat an unchanged count for as long as IDLE lasts."""
        if kind_of(answer) == b"EXISTS" and self._has_grown():
            self.announced = True
            self.woken.set()
        return super().keep(answer)

    def reply_to(self, challenge: bytes) -> bytes | None:  # noqa: ARG002  # whatever the server says to invite
        """Nothing, unless IDLE was to end before the server had agreed to it."""
        self._invited = True
        return self.replies.pop(0) if self.replies else None

    def farewell(self) -> bytes | None:
        """What ends IDLE now; None when it is sent later, because the server has not agreed to IDLE yet."""
        if self._invited:
            return b"DONE"
        self.replies.append(b"DONE")
        return None

    def ended(self, line: bytes) -> None:
        """The server has ended IDLE."""
        super().ended(line)
        self.woken.set()

    def failed(self) -> None:
        """The connection was lost in IDLE."""
        self.woken.set()
