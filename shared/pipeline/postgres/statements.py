"""SQL lives in `.sql` files: blocks that begin with `-- name: word` and one line that says what the statement does."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)


class Statements(Mapping[str, str]):
    """The statements of one file, by name. Raises KeyError for a name that is not in it."""

    def __init__(self, text: str) -> None:
        _, *parts = _NAME.split(text)
        names = parts[::2]
        if len(set(names)) < len(names):
            raise ValueError(f"two statements of one name among {sorted(names)}")
        self._by_name = {name: sql.strip().rstrip(";") for name, sql in zip(names, parts[1::2], strict=True)}

    @classmethod
    @cache
    def of(cls, package: str, file: str = "statements.sql") -> "Statements":
        """The statements in a package's file, which is read once."""
        return cls((files(package) / file).read_text(encoding="utf-8"))

    def __getitem__(self, name: str) -> str:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)
