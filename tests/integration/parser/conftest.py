"""The parser's parts on a real database."""

import pytest

from parser.documents import ReadOptions
from parser.handler import ParserHandler
from parser.reparse.worker import Reparser
from parser.storage.transaction import AnnouncementOptions, Store
from pipeline.postgres.connection import Database
from tests.support.reparsing import new_reparser


def new_parser(postgres: Database) -> ParserHandler:
    store = Store(postgres, AnnouncementOptions(max_rows=2, public_url="https://dmarq.example"))
    return ParserHandler(postgres, store, options=ReadOptions(), committed=lambda: None)


@pytest.fixture
def parser(postgres: Database) -> ParserHandler:
    return new_parser(postgres)


@pytest.fixture
def second_parser(postgres: Database) -> ParserHandler:
    """Another process, as far as the database can tell."""
    return new_parser(postgres)


@pytest.fixture
def reparser(postgres: Database) -> Reparser:
    """What reads kept documents again."""
    return new_reparser(postgres)
