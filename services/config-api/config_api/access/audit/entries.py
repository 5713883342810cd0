"""The audit log is written here: in the transaction of the change wherever there is one. It never holds a secret."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.postgres.connection import Connection
from pipeline.postgres.statements import Statements
from pipeline.postgres.types import storable

SQL = Statements.of("config_api.access.audit")

MAX_TEXT = 1000  # characters


class Changed(NamedTuple):
    """What changed, and its values in words; both are empty where they may not be shown."""

    name: str
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class Actor:
    """Who sent the request in hand. `via`: browser, program, command line, or dmarq itself.

    `has_noted`: the request has its line, or needs none; one that changes something and has none yet gets a general one
    at its end.
    """

    who: str
    via: str
    address: str = ""
    has_noted: bool = False


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def act_as(actor: Actor | None) -> None:
    """What is noted from now on was done by them. None: by dmarq itself."""
    _actor.set(actor)


def actor() -> Actor:
    """Who acts."""
    return _actor.get() or Actor("dmarq", "dmarq")


async def note(
    connection: Connection, action: str, text: str, *, target: str = "", changes: Sequence[Changed] = ()
) -> None:
    """Adds a line: a code for what was done, what to, and the same as a sentence."""
    acting = actor()
    await connection.execute(
        SQL["add"],
        storable(acting.who), acting.via, acting.address, action, storable(target)[:MAX_TEXT],
        storable(text)[:MAX_TEXT], [change._asdict() for change in changes],
    )  # fmt: skip
    acting.has_noted = True


def note_nothing() -> None:
    """The request in hand changes nothing after all: a dry run. It gets no line."""
    actor().has_noted = True


def differing(names: dict[str, str], before: dict[str, str], after: dict[str, str]) -> list[Changed]:
    """What differs between two states in words, by the names of their fields."""
    return [
        Changed(title, before[field], after[field]) for field, title in names.items() if before[field] != after[field]
    ]
