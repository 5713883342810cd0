"""The fetcher: takes mail in over IMAP, and marks, moves or deletes it when its work is done."""
