"""Counts with their nouns, as people read them."""


def plural(count: int, one: str, many: str | None = None) -> str:
    """The count with its noun: "1 email", "2,000 emails"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
