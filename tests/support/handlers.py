"""Handlers for the stages of tests, and the dead letters that became of their events."""

from collections import Counter
from collections.abc import Sequence

from pipeline.contracts.wire import Envelope, Wire
from pipeline.jetstream.bus import Bus
from pipeline.runtime.stage import Result
from tests.support.events import extracted, uid_of


async def extract(envelopes: Sequence[Envelope]) -> Sequence[Result]:
    """A handler with whom all is well."""
    return [[extracted(envelope)] for envelope in envelopes]


class Handler:
    """Remembers what it was given; goes through `faults` of a UID, one each time, before all is well with it."""

    def __init__(self, **faults: Sequence[Exception]) -> None:
        self.batches: list[list[int]] = []
        self._faults = {int(uid.removeprefix("uid")): list(errors) for uid, errors in faults.items()}

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        uids = [uid_of(envelope.event) for envelope in envelopes]
        self.batches.append(uids)
        for uid in uids:
            if self._faults.get(uid):
                raise self._faults[uid].pop(0)
        return await extract(envelopes)

    @property
    def tries(self) -> Counter[int]:
        return Counter(uid for batch in self.batches for uid in batch)


async def dead_wires(bus: Bus) -> list[Wire]:
    """All dead letters, as they lie in their stream."""
    found = []
    for sequence in range(1, (await bus.js.stream_info("DEAD")).state.last_seq + 1):
        raw = await bus.js.get_msg("DEAD", seq=sequence)
        found.append(Wire(raw.subject or "", dict(raw.headers or {}), raw.data or b""))
    return found
