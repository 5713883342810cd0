"""Values of one type in a key-value bucket: how cursors, leases, statuses, tokens, mailboxes and crash notes are kept.

A value that cannot be read (damaged, too large, of another version) is no error of whoever reads it: the log says so
in one form, and the reader gets None and goes on as if nothing were known.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog
from nats.js import JetStreamContext
from pydantic import TypeAdapter

from pipeline.contracts import topology
from pipeline.contracts.limits import MiB
from pipeline.errors import described
from pipeline.jetstream.buckets import Conflict, Entry, KeyValueBucket

__all__ = ["Conflict", "Format", "Json", "Stored", "Text", "TypedBucket"]

log = structlog.get_logger(__name__)

T = TypeVar("T")
MAX_VALUE_BYTES = 2 * MiB  # settings of a mailbox, each as large as it may be, stay below


class Format(Protocol[T]):
    """How values of one type are kept as bytes. The key is given for what belongs to its place."""

    def write(self, key: str, value: T) -> bytes:
        """The bytes."""

    def read(self, key: str, data: bytes) -> T:
        """The value. Raises ValueError, of which pydantic's ValidationError is one."""


class Json(Generic[T]):
    """A pydantic model, or any type that pydantic knows, as JSON. `options` are those of `TypeAdapter.dump_json`."""

    def __init__(self, kind: type[T], **options: Any) -> None:
        self._adapter = TypeAdapter(kind)
        self._options = options

    def write(self, _: str, value: T) -> bytes:
        """The JSON, in UTF-8."""
        return self._adapter.dump_json(value, **self._options)

    def read(self, _: str, data: bytes) -> T:
        """The value. Raises ValidationError."""
        return self._adapter.validate_json(data)


class Text:
    """A text as it is, in UTF-8."""

    def write(self, _: str, value: str) -> bytes:
        """The bytes of the text."""
        return value.encode()

    def read(self, _: str, data: bytes) -> str:
        """The text. Raises UnicodeDecodeError."""
        return data.decode()


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """An entry. `value` None: it is deleted, or cannot be read, which the log says. `revision` as in Entry."""

    key: str
    value: T | None
    revision: int
    is_deleted: bool = False


class TypedBucket(Generic[T]):
    """The values of one type in a bucket. Every call raises TryLater while the broker is away."""

    def __init__(self, js: JetStreamContext, bucket: topology.Bucket, kept_as: Format[T]) -> None:
        self._bucket = KeyValueBucket(js, bucket)
        self._name = bucket.name
        self._format = kept_as

    async def get(self, key: str) -> Stored[T] | None:
        """The entry; None where there is none."""
        entry = await self._bucket.get(key)
        return None if entry is None or entry.value is None else self._read(entry)

    async def put(self, key: str, value: T) -> int:
        """Sets the value whatever it was; gives the new revision."""
        return await self._bucket.put(key, self._format.write(key, value))

    async def replace(self, key: str, value: T, *, after: int | None) -> int:
        """Sets the value if its revision is still `after` (None: there must be none). Raises Conflict."""
        data = self._format.write(key, value)
        if after is None:
            return await self._bucket.create(key, data)
        return await self._bucket.update(key, data, revision=after)

    async def delete(self, key: str, *, after: int | None = None) -> None:
        """Removes the value, if its revision is still `after` where that is given. Raises Conflict."""
        await self._bucket.delete(key, revision=after)

    async def all(self) -> list[Stored[T]]:
        """Every entry that exists now."""
        return [self._read(entry) for entry in await self._bucket.entries()]

    async def known(self) -> list[Stored[T]]:
        """Every entry as it is now, and every deletion that is still known."""
        return [self._read(entry) for entry in await self._bucket.known()]

    async def changes(self) -> AsyncGenerator[Stored[T], None]:
        """Every entry and every known deletion, then each change. Never ends by itself."""
        async with aclosing(self._bucket.changes()) as entries:
            async for entry in entries:
                yield self._read(entry)

    def _read(self, entry: Entry) -> Stored[T]:
        if entry.value is None:
            return Stored(entry.key, None, entry.revision, is_deleted=True)
        try:
            if len(entry.value) > MAX_VALUE_BYTES:
                raise ValueError(f"{len(entry.value)} bytes are more than {MAX_VALUE_BYTES}")
            return Stored(entry.key, self._format.read(entry.key, entry.value), entry.revision)
        except ValueError as error:
            log.error("stored_value_unreadable", bucket=self._name, key=entry.key, error=described(error))
            return Stored(entry.key, None, entry.revision)
