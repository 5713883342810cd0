"""Key-value buckets on JetStream: bytes by key. What we keep in them goes through `typed_bucket`."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from pipeline.contracts import topology
from pipeline.errors import TryLater
from pipeline.jetstream.connection import code_of, nats_errors

LIST_TIMEOUT = 10.0  # seconds the broker may take for each next entry of a list
WRONG_REVISION_CODES = frozenset({10071, 10164})
DELETIONS = ("DEL", "PURGE")


class Conflict(Exception):
    """Somebody else changed the entry since it was read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value (None: deleted) and its revision, by which a later change can be refused."""

    key: str
    value: bytes | None
    revision: int


class KeyValueBucket:
    """One bucket. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext, bucket: topology.Bucket) -> None:
        self._js = js
        self._name = bucket.name
        self._bucket: KeyValue | None = None

    async def get(self, key: str) -> Entry | None:
        """The entry, or None."""
        with nats_errors():
            try:
                found = await (await self._kv()).get(key)
            except KeyNotFoundError:
                return None
        return Entry(key, found.value, found.revision or 0)

    async def put(self, key: str, value: bytes) -> int:
        """Sets the value whatever it was; gives the new revision."""
        with nats_errors():
            return await (await self._kv()).put(key, value)

    async def create(self, key: str, value: bytes) -> int:
        """Sets a value that must not exist. Raises Conflict when it does."""
        with _conflicts(key):
            kv = await self._kv()
            try:
                return await kv.create(key, value)
            except KeyNotFoundError:  # it expired after it had refused ours: the place is free
                return await kv.create(key, value)

    async def update(self, key: str, value: bytes, *, revision: int) -> int:
        """Sets the value if its revision is still this one. Raises Conflict when it is not."""
        with _conflicts(key):
            return await (await self._kv()).update(key, value, last=revision)

    async def delete(self, key: str, *, revision: int | None = None) -> None:
        """Removes the value; harmless when it is gone. Raises Conflict when a revision is given and is no longer it."""
        with _conflicts(key):
            await (await self._kv()).delete(key, last=revision)

    async def entries(self) -> list[Entry]:
        """Every entry that exists now."""
        return [entry for entry in await self.known() if entry.value is not None]

    async def known(self) -> list[Entry]:
        """Every entry as it is now, and every deletion that is still known, with a value of None.

        The last entry itself tells the end; the driver's own mark of it comes too early while entries are on their way.
        """
        with nats_errors():
            kept = (await (await self._kv()).status()).values
        found: dict[str, Entry] = {}
        if not kept:
            return []
        async with self._watched() as watcher:
            while True:
                with nats_errors():
                    update = await watcher.updates(timeout=LIST_TIMEOUT)
                if update is None:
                    continue
                found[update.key] = _entry(update)
                if not update.delta:
                    return list(found.values())

    async def changes(self) -> AsyncGenerator[Entry, None]:
        """Every entry, then each change; a value of None is a deletion. Never ends by itself."""
        async with self._watched() as watcher:
            while True:
                with nats_errors():
                    update = await watcher.updates(timeout=None)
                if update is not None:
                    yield _entry(update)

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[KeyValue.KeyWatcher]:
        with nats_errors():
            watcher = await (await self._kv()).watchall()
        try:
            yield watcher
        finally:
            with suppress(TryLater), nats_errors():  # the broker forgets an idle watcher by itself
                await watcher.stop()

    async def _kv(self) -> KeyValue:
        if self._bucket is None:
            self._bucket = await self._js.key_value(self._name)
        return self._bucket


def _entry(update: KeyValue.Entry) -> Entry:
    return Entry(update.key, None if update.operation in DELETIONS else update.value, update.revision or 0)


@contextmanager
def _conflicts(key: str) -> Iterator[None]:
    with nats_errors():
        try:
            yield
        except (KeyWrongLastSequenceError, KeyNotFoundError):  # a key that vanished in between was changed too
            raise Conflict(key) from None
        except APIError as error:
            if code_of(error) in WRONG_REVISION_CODES:
                raise Conflict(key) from None
            raise
