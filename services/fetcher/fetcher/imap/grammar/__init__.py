"""The language of IMAP: what is sent, and what the server says, as typed values. Nothing here does I/O."""
