"""The API of who may do what: tokens, users, sessions, the audit log."""
