"""The demo: its mailbox, its progress, and the audit of the promises at the end."""
