"""Signing in with a mail provider from the page of a mailbox (OAuth 2): begun here, ended by a fetcher."""
