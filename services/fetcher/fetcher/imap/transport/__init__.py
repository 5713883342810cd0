"""One connection to an IMAP server: reached, encrypted, bounded in all it reads, with one command at a time."""
