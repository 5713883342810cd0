"""Comments as mail headers have them (CFWS: RFC 5322 section 3.2.2): in parentheses, nested, between any two words."""

from typing import Final

MAX_DEPTH: Final = 20  # of comments in comments; deeper ones are none


def without_comments(text: str) -> str:
    """The text without its comments, trimmed. What is in quotes is no comment; one that does not end is text."""
    if "(" not in text:
        return text.strip()
    kept: list[str] = []
    position, quotes_end = 0, True
    while position < len(text):
        if text[position] == "(":
            end = _comment_end(text, position)
            if end < 0:
                kept.append(text[position:])
                break
            kept.append(" ")
        elif text[position] == '"' and quotes_end:  # where one does not end, none is looked for any more
            end = _quote_end(text, position)
            quotes_end = end > position + 1
            kept.append(text[position:end])
        else:
            end = position + 1
            kept.append(text[position])
        position = end
    return " ".join("".join(kept).split())


def _comment_end(text: str, start: int) -> int:
    """The position behind the comment that begins at `start`; -1 where it does not end."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "(":
            depth += 1
            if depth > MAX_DEPTH:
                return -1
        elif character == ")":
            depth -= 1
            if not depth:
                return position + 1
        position += 1
    return -1


def _quote_end(text: str, start: int) -> int:
    """The position behind the quoted text that begins at `start`; behind the quote itself where it does not end."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == '"':
            return position + 1
        position += 1
    return start + 1
