"""Lists that are sorted by one of several columns, read forwards or backwards from a mark (keyset paging)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from config_api.web.paging import Place, place_of

FALLING = "-"
TYPES = {"moment": "timestamptz", "number": "bigint", "address": "inet", "text": "text", "uuid": "uuid"}


@dataclass(frozen=True, slots=True)
class Key:
    """A part of what a list is sorted by: an expression of SQL, its kind of value, and the field that holds it."""

    sql: str
    kind: str
    field: str


Keys: TypeAlias = Sequence[Key]  # the last one tells any two entries apart


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by, all keys in the same direction."""

    keys: Keys
    is_falling: bool

    @classmethod
    def of(cls, sort: str, orders: Mapping[str, Keys]) -> "Order":
        """By the name of a column, with "-" before it for falling."""
        return cls(orders[sort.lstrip(FALLING)], sort.startswith(FALLING))

    def place(self, cursor: str | None) -> Place:
        """The place that a cursor means in this list. Raises Invalid."""
        return place_of(cursor, *(key.kind for key in self.keys))

    def mark(self, row: Any) -> tuple[Any, ...]:
        """Where an entry is in the list."""
        return tuple(getattr(row, key.field) for key in self.keys)

    def statement(self, template: str, place: Place, *, first_parameter: int) -> str:
        """The template of a statement with its `{after}` and `{order}`; the mark's parts are its next parameters."""
        falls = self.is_falling is not place.is_backward
        columns = ", ".join(key.sql for key in self.keys)
        numbered = enumerate(self.keys, first_parameter)
        mark = ", ".join(f"${number}::text::{TYPES[key.kind]}" for number, key in numbered)
        after = "TRUE" if place.mark is None else f"({columns}) {'<' if falls else '>'} ({mark})"
        order = ", ".join(f"{key.sql} {'DESC' if falls else 'ASC'}" for key in self.keys)
        return template.replace("{after}", after).replace("{order}", order)


def parameters(place: Place) -> list[str]:
    """The mark's parts as text, which the statement casts."""
    return [part.isoformat() if hasattr(part, "isoformat") else str(part) for part in place.mark or ()]
