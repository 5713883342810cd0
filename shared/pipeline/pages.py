"""Documentation pages with generated parts, in Markdown: what `python -m pipeline.reference` and its sibling share.

A page holds marked blocks, `<!-- generated: name -->` to `<!-- end -->`; what is between them is made from the code,
everything else is written by people.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from pipeline.vocabulary import Word

_BLOCK = re.compile(r"(<!-- generated: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with its marked blocks anew. Raises KeyError for a block nobody knows."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]}\n{match[3]}", page)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with these columns."""
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"


def glossary(title: str, words: Iterable[Word]) -> str:
    """A vocabulary as a table: each word and what it means."""
    return table((title, "Meaning"), [(code(word.value), word.text) for word in words])
