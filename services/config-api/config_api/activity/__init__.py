"""The activity log and the IMAP connection log."""
