"""The object store behind large cargo: put before the publish, got before the handler, deleted after the work."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ObjectInfo, ObjectMeta, ObjectMetaOptions, RawStreamMsg
from nats.js.errors import APIError, NotFoundError
from nats.js.object_store import ObjectStore

from pipeline.contracts import topology
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected, StoreFull, TryLater
from pipeline.jetstream.connection import API_TIMEOUT, DEPENDENCY, FULL_CODES, code_of, jetstream, nats_errors
from pipeline.jetstream.lag import blob_store


class _ByName(JetStreamContext):
    """Asks for an entry by its subject, which a service may do that may put bytes and not read them.

    A replica may answer, and not know the latest put: good enough to replace it, not to read it.
    """

    async def get_last_msg(self, stream_name: str, subject: str, direct: bool | None = True) -> RawStreamMsg:
        return await super().get_last_msg(stream_name, subject, direct=direct)


class Blobs:
    """Bytes by name. Raises TryLater while the broker is away, StoreFull while its store is full."""

    def __init__(self, client: Client) -> None:
        self._js = jetstream(client)
        self._by_name = _ByName(client, timeout=API_TIMEOUT)
        self._stores: dict[JetStreamContext, ObjectStore] = {}

    async def _store(self, js: JetStreamContext) -> ObjectStore:
        if js not in self._stores:
            self._stores[js] = await js.object_store(topology.BLOB_STORE.name)
        return self._stores[js]

    async def admit(self, size: int) -> None:
        """Raises StoreFull where there is no room for new email of so many bytes.

        The last eighth is kept free of it, for the documents and dead letters of what is on its way already: or nothing
        would come to its end, and nothing be removed.
        """
        store = await blob_store(self._js)
        if size > store.room:
            raise StoreFull(DEPENDENCY, f"the object store is full: {store.held:,} of {store.most:,} bytes are taken")

    async def put(self, name: str, data: bytes | IO[bytes], *, size: int | None = None) -> None:
        """Keeps the bytes under this name; a repeat replaces them. A file of `size` bytes is read a chunk at a time."""
        size = len(data) if isinstance(data, bytes) else size or topology.BLOB_CHUNK_BYTES
        options = ObjectMetaOptions(max_chunk_size=min(topology.BLOB_CHUNK_BYTES, max(size, 1)))
        with _no_room(), nats_errors():
            store = await self._store(self._by_name)
            await store.put(name, cast(Any, data), meta=ObjectMeta(name=name, options=options))

    async def get(self, name: str, *, size: int | None = None) -> bytes:
        """The bytes. Raises Rejected (blob_missing) when they are gone or not of this size."""
        with nats_errors():
            store = await self._store(self._js)
            try:
                return await self._whole(store, name, size)
            except NotFoundError:
                raise Rejected(Reason.BLOB_MISSING, name) from None

    async def delete(self, name: str) -> None:
        """Forgets the bytes; harmless when they are gone.

        No mark of the deletion is left, as the driver would leave one: a full store would refuse to take it.
        """
        with nats_errors():
            store = await self._store(self._js)
            try:
                info = await store.get_info(name)
            except NotFoundError:
                return
            for subject in (_chunks_of(info), f"$O.{info.bucket}.M.{urlsafe_b64encode(name.encode()).decode()}"):
                await self._js.purge_stream(topology.BLOB_STREAM, subject=subject)

    async def _whole(self, store: ObjectStore, name: str, size: int | None) -> bytes:
        """A repeat that replaces the bytes takes away those that were there: then the new ones are read."""
        gone = None
        while True:
            info = await store.get_info(name)
            if size is not None and info.size != size:
                raise Rejected(Reason.BLOB_MISSING, f"{name} has {info.size} bytes instead of {size}")
            try:
                return await self._chunks(info)
            except NotFoundError:
                if info.nuid == gone:
                    raise
                gone = info.nuid

    async def _chunks(self, info: ObjectInfo) -> bytes:
        """One request a chunk: the driver's own reader waits without end when the broker goes away meanwhile."""
        stream, subject = topology.BLOB_STREAM, _chunks_of(info)
        chunks: list[bytes] = []
        sequence = 0
        for _ in range(info.chunks or 0):
            found = await self._js.get_msg(stream, seq=sequence + 1, subject=subject, next=True, direct=True)
            sequence = found.seq or 0
            chunks.append(found.data or b"")
        return b"".join(chunks)


def _chunks_of(info: ObjectInfo) -> str:
    return f"$O.{info.bucket}.C.{info.nuid}"


@contextmanager
def _no_room() -> Iterator[None]:
    """Raises StoreFull for what the broker refuses for want of room."""
    try:
        yield
    except TryLater as error:
        cause = error.__cause__
        if isinstance(cause, APIError) and code_of(cause) in FULL_CODES:
            raise StoreFull(DEPENDENCY, "the object store is full") from error
        raise
