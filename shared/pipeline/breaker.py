"""A circuit breaker: when event after event dies by a fault of ours, stop pulling instead of burying a day of mail.

Only deaths that are the pipeline's own fault count. A refused mail is normal work, however many there are.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

from pipeline.reasons import Reason

OUR_FAULT: Collection[Reason] = frozenset({Reason.BUG, Reason.CRASH_LOOP, Reason.UNDECODABLE_EVENT})


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Opens after `run` deaths in a row, or when more than `share` of a `window` of events died; by our fault.

    `pauses` in seconds: how long pulling pauses at each opening that follows another; the last one repeats.
    """

    run: int = 20
    window: int = 100
    share: float = 0.5
    pauses: tuple[float, ...] = (30.0, 60.0, 120.0, 300.0, 600.0)


DEFAULT_BREAKER_POLICY = BreakerPolicy()


def opens(fates: Sequence[bool], policy: BreakerPolicy = DEFAULT_BREAKER_POLICY) -> bool:
    """Whether this history is too bad to go on. True in `fates` is a death by our fault; the latest is last."""
    recent = fates[-policy.window :]
    in_a_row = sum(takewhile(bool, reversed(recent)))
    return in_a_row >= policy.run or sum(recent) > policy.share * policy.window


def pause_of(opening: int, policy: BreakerPolicy = DEFAULT_BREAKER_POLICY) -> float:
    """Seconds of pause at the `opening`-th opening (from 1) without a good time in between."""
    return policy.pauses[min(opening, len(policy.pauses)) - 1]


class Breaker:
    """The history of one stage. After a pause it is on probation: one more fault and it opens again, for longer.

    A good event ends the probation; a whole window without opening makes the next pause short again.
    """

    def __init__(self, policy: BreakerPolicy = DEFAULT_BREAKER_POLICY) -> None:
        self._policy = policy
        self._fates: deque[bool] = deque(maxlen=policy.window)
        self._openings = 0
        self._since_opening = 0
        self.on_probation = False

    def good(self) -> None:
        """An event was done, or refused for its own sake."""
        self.on_probation = False
        self._note(False)

    def fault(self) -> None:
        """An event died by a fault of ours."""
        self._note(True)

    def pause(self) -> float:
        """Seconds to stop pulling from now on; 0 when all is well. Asked before each pull."""
        failed_again = self.on_probation and any(self._fates)
        if not failed_again and not opens(list(self._fates), self._policy):
            return 0.0
        self._openings += 1
        self._since_opening = 0
        self._fates.clear()
        self.on_probation = True
        return pause_of(self._openings, self._policy)

    def _note(self, our_fault: bool) -> None:
        self._fates.append(our_fault)
        self._since_opening += 1
        if self._since_opening >= self._policy.window:
            self._openings = 0
