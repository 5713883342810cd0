"""The version of the readers: it grows when a document would be read differently, so that a reparse makes sense."""

PARSER_VERSION = "2"
