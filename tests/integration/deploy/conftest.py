"""Fixtures for tests of what is deployed beside the services."""

import pytest

from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.store import AnnouncementOptions, Store
from pipeline.adapters.postgres import Database


@pytest.fixture
def parser(postgres: Database) -> ParserHandler:
    """The parser on a real database."""
    store = Store(postgres, AnnouncementOptions(max_rows=2, public_url="https://dmarq.example"))
    return ParserHandler(postgres, store, options=ReadOptions(), committed=lambda: None)
