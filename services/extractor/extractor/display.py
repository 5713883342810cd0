"""Text from outside made fit for a screen, a log line and a database: one line, printable, bounded."""

from typing import Final

NAME_LENGTH: Final = 255  # characters


def one_line(text: str, *, length: int = NAME_LENGTH) -> str:
    """`text` without control, format and surrogate characters, white space collapsed, at most `length` characters."""
    text = text[: length * 4]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    return " ".join(text.split())[:length]
