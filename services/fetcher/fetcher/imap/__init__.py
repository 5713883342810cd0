"""The IMAP edge: one signed-in session with a mailbox.

session ── actions ── folders, search, fetch, sign_in ── transport ── grammar

`grammar` is the language, pure; `transport` one bounded connection, whose `protocol` alone knows aioimaplib. The rest
of the fetcher knows the edge by its `interface`; only `__main__` opens an `ImapSession`.
"""
