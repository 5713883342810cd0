"""A stage: what is consumed, and the handler that events go through.

The handler takes a batch of envelopes and returns one result for each: the envelopes that follow from it (none is a
good answer), the error that is its own (`Rejected` makes it a dead letter, any other is a bug), or a `Later` for one
that has to wait by itself. It raises `TryLater` for all of them. What else it raises may be about any of them, and they
are tried one by one.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.contracts.limits import MiB
from pipeline.contracts.topology import Consumer
from pipeline.contracts.wire import Envelope
from pipeline.runtime.breaker import DEFAULT_BREAKER_POLICY, BreakerPolicy
from pipeline.runtime.judge import DEFAULT_POLICY, RetryPolicy


@dataclass(frozen=True, slots=True)
class Later:
    """Not settled yet: the event is handed out again `delay` seconds from now, and holds up no other until then."""

    delay: float
    detail: str = ""


Result = Sequence[Envelope] | Exception | Later
Handler = Callable[[Sequence[Envelope]], Awaitable[Sequence[Result]]]


@dataclass(frozen=True, slots=True)
class Stage:
    """What is consumed, by what, in batches of at most `batch`, `concurrency` batches at a time.

    Once there is an event, others have `linger` seconds to join its batch: for work that costs about the same however
    many events it is about. A batch whose cargo is more than `batch_bytes` is handled in portions, so that large mails
    cannot fill the memory.
    """

    consumer: Consumer
    handler: Handler
    batch: int = 50
    concurrency: int = 2
    batch_bytes: int = 32 * MiB
    linger: float = 0.0
    policy: RetryPolicy = DEFAULT_POLICY
    breaker: BreakerPolicy = DEFAULT_BREAKER_POLICY


T = TypeVar("T")


def portions(items: Sequence[T], *, weight: Callable[[T], int], limit: int) -> Iterator[list[T]]:
    """The items in order, in lists whose weights sum up to `limit` at most; a heavier item is a portion by itself.

    >>> list(portions([2, 2, 9, 1], weight=int, limit=4))
    [[2, 2], [9], [1]]
    """
    portion: list[T] = []
    load = 0
    for item in items:
        if portion and load + weight(item) > limit:
            yield portion
            portion, load = [], 0
        portion.append(item)
        load += weight(item)
    if portion:
        yield portion
