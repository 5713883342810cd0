"""Mailboxes: kept in PostgreSQL, told to the fetchers over the bus."""
