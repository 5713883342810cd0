"""A circuit breaker: while nothing but errors of ours comes out of a stage, no event dies of them.

A broken release fails with every event, and must not make dead letters of a day of mail. A mail that is made to fail is
alone with its error: others are good meanwhile. So an event may die of an error of ours when another one was good since
it failed first. Where none was, some may die all the same, and then the breaker is open: those that come next wait and
are tried again, while every other event is pulled and handled as ever. Nobody waits for a stranger's mail.
"""

from dataclasses import dataclass

from pipeline.contracts.reasons import Reason

OUR_FAULT: frozenset[Reason] = frozenset({Reason.BUG, Reason.CRASH_LOOP, Reason.UNDECODABLE_EVENT})
# An event that ends the process each time must not come once more.
CAN_WAIT: frozenset[Reason] = OUR_FAULT - {Reason.CRASH_LOOP}
REMEMBERED = 50_000  # events; more than a stream holds


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Opens after `run` deaths by our fault in a row, without a good event among them.

    `pauses`: seconds for which an event waits each time while it may not die; behind the last one it does.
    """

    run: int = 20
    pauses: tuple[float, ...] = (30.0, 60.0, 120.0, 300.0, *(600.0,) * 35)


DEFAULT_BREAKER_POLICY = BreakerPolicy()


@dataclass(slots=True)
class _History:
    """Of one event: how many others had been good when it failed first, how often it failed and had to wait since."""

    good_before: int
    tries: int = 0
    waits: int = 0


class Breaker:
    """What one stage has seen in this process. Remembers the latest `size` events that failed."""

    def __init__(self, policy: BreakerPolicy = DEFAULT_BREAKER_POLICY, *, size: int = REMEMBERED) -> None:
        self._policy = policy
        self._size = size
        self._good = 0
        self._unexplained = 0  # deaths since the last good event
        self._histories: dict[int, _History] = {}

    @property
    def is_open(self) -> bool:
        """Whether events have to wait: nothing shows that the stage works at all."""
        return self._unexplained >= self._policy.run

    def knows(self, sequence: int) -> bool:
        """Whether this event has failed here before, or was put off, and has not ended the process with it."""
        return sequence in self._histories

    def put_off(self, sequence: int) -> None:
        """The event waits by itself, through nobody's fault."""
        self._history(sequence)

    def good(self) -> None:
        """An event was done, or refused for its own sake."""
        self._good += 1
        self._unexplained = 0

    def failed(self, sequence: int) -> int:
        """The event ran into an error of ours; gives how often it has, from 1."""
        history = self._history(sequence)
        if not history.tries:
            history.good_before = self._good  # not when it was put off
        history.tries += 1
        return history.tries

    def wait(self, sequence: int) -> float:
        """Seconds for which an event that would die of an error of ours must wait all the same; 0 when it may die."""
        history = self._history(sequence)
        if history.good_before < self._good:
            return 0.0
        if not self.is_open:
            self._unexplained += 1
            return 0.0
        if history.waits >= len(self._policy.pauses):
            return 0.0
        history.waits += 1
        return self._policy.pauses[history.waits - 1]

    def forget(self, sequence: int) -> None:
        """The event is out of hand for good."""
        self._histories.pop(sequence, None)

    def _history(self, sequence: int) -> _History:
        history = self._histories.pop(sequence, None) or _History(self._good)
        self._histories[sequence] = history
        if len(self._histories) > self._size:
            del self._histories[next(iter(self._histories))]
        return history
