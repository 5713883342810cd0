"""What the parser stores, stored by the parser, for whoever reads it."""

from collections.abc import Sequence

from config_api.backend import Backend
from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.recorder import Recorder
from parser.storage.transaction import AnnouncementOptions, Store
from pipeline.contracts.mail_events import Event
from pipeline.contracts.wire import Envelope


def store(backend: Backend, *mails: Envelope) -> None:
    """The parser takes these extracted mails."""
    database = backend.database
    options = AnnouncementOptions(max_rows=2, public_url="https://dmarq.example")
    parser = ParserHandler(database, Store(database, options), options=ReadOptions(), committed=lambda: None)
    backend.run(_taken(parser, list(mails)))


def record(backend: Backend, *events: Event) -> None:
    """The recorder takes these facts."""
    recorder = Recorder(backend.database, committed=lambda: None)
    backend.run(_taken(recorder, [Envelope(event) for event in events]))


async def _taken(handler: ParserHandler | Recorder, envelopes: Sequence[Envelope]) -> None:
    await handler(envelopes)
