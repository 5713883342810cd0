"""The IMAP edge: one signed-in session with a mailbox.

session ── actions ── folders, search, fetch, sign_in ── transport ── grammar

`grammar` is the language, pure; `transport` one bounded connection, whose `protocol` alone knows aioimaplib.
"""
