"""The retry policy: one pure function from an error and its history to a verdict."""

from dataclasses import dataclass

from pipeline.contracts.reasons import Reason
from pipeline.errors import Dead, Rejected, StoreFull, TryLater, decisive, described


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when an event is tried again.

    `bug_delays`: seconds before each further attempt at an event that ran into a bug; then it is dead.
    `later_delays`: seconds between attempts while a dependency is away; the last one repeats.
    `alone_after`: from more deliveries on, an event is handled by itself, so that a killer takes no other with it.
    `max_crashes`: an event is dead when so many processes in a row have ended while they handled it by itself.
    """

    bug_delays: tuple[float, ...] = (1.0, 5.0, 30.0)
    later_delays: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    alone_after: int = 3
    max_crashes: int = 5


DEFAULT_POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Again:
    """Try once more after `delay` seconds. `in_hand`: keep the event meanwhile instead of giving it back."""

    delay: float
    in_hand: bool


Verdict = Again | Dead


def judge(error: BaseException, *, attempt: int, policy: RetryPolicy = DEFAULT_POLICY) -> Verdict:
    """The verdict on an event whose handler raised `error` at its `attempt`-th try (from 1).

    Rejected is final. TryLater waits as long as it takes, with the event in hand; where only room for large cargo is
    missing (StoreFull), it is given back meanwhile, for others may go on. Anything else is a bug: a few more
    tries with growing delay, then dead. In an exception group the gravest error decides.
    """
    error = decisive(error)
    if isinstance(error, Rejected):
        return Dead.of(error)
    if isinstance(error, StoreFull):
        return Again(policy.later_delays[-1], in_hand=False)
    if isinstance(error, TryLater):
        return Again(later_delay(attempt, policy), in_hand=True)
    if attempt > len(policy.bug_delays):
        return Dead(Reason.BUG, described(error))
    return Again(policy.bug_delays[attempt - 1], in_hand=False)


def later_delay(attempt: int, policy: RetryPolicy = DEFAULT_POLICY) -> float:
    """Seconds to wait after the `attempt`-th try (from 1) at a dependency that is away."""
    return policy.later_delays[min(attempt, len(policy.later_delays)) - 1]
