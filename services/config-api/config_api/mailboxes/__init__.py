"""Mailboxes: kept in PostgreSQL, told to the fetchers over the bus."""

from pipeline.postgres.statements import Statements

SQL = Statements.of("config_api.mailboxes")
