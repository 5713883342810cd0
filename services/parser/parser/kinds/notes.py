"""The notes taken while a report is read: its repairs, and the raw words beside those that were changed."""

from typing import Final, NamedTuple

from parser.kinds import values
from pipeline.contracts.repairs import Repair

MAX_CHANGES_ALIKE: Final = 3  # of a report are told, by one repair
MAX_TOLD_BYTES: Final = 200  # of a value


class Change(NamedTuple):
    """A value that was changed: by which repair, where it stands, what was sent, and what is given in its place."""

    repair: Repair
    where: str
    sent: str
    given: str | None


class Notes:
    """What was repaired so far. Texts go through here, so that a cut or a removed character is never silent."""

    def __init__(self, *, max_text_bytes: int) -> None:
        self.repairs: set[Repair] = set()
        self.changes: list[Change] = []
        self._alike: dict[Repair, int] = {}
        self._max_text_bytes = max_text_bytes
        self._short = max_text_bytes // 4  # characters that certainly fit

    def add(self, repair: Repair | None) -> None:
        """Note a repair, where there was one."""
        if repair is not None:
            self.repairs.add(repair)

    def text(self, raw: str | None) -> str | None:
        """The text in one line, clean and bounded; None where nothing is left of it."""
        if raw is None:
            return None
        if len(raw) <= self._short and raw.isprintable():
            return raw.strip() or None
        return self.bounded(values.plain(raw), raw=raw) or None

    def bounded(self, value: str, *, raw: str) -> str:
        """`value`, which was made from `raw`, within the limit."""
        if values.has_forbidden(raw):
            self.repairs.add(Repair.CONTROL_CHARACTERS)
        short = values.cut(value, max_bytes=self._max_text_bytes)
        if short is not value and short != value:
            self.repairs.add(Repair.TEXT_CUT)
        return short

    def trimmed(self, raw: str | None) -> str | None:
        """As `text`, for the header's own texts, where white space round a value counts as a repair."""
        value = self.text(raw)
        if value and raw and (raw[0].isspace() or raw[-1].isspace()):
            self.repairs.add(Repair.SURROUNDING_SPACE)
        return value

    def change(self, repair: Repair, *, where: str, sent: str, given: object) -> None:
        """Note a repair together with the value that it changed; of very many, the first ones are told."""
        self.repairs.add(repair)
        alike = self._alike.get(repair, 0)
        if alike < MAX_CHANGES_ALIKE:
            self._alike[repair] = alike + 1
            told = None if given is None else _told(str(given))
            self.changes.append(Change(repair, where, _told(sent), told))

    def names(self) -> tuple[str, ...]:
        """The repairs, in a stable order."""
        return tuple(sorted(self.repairs))


def _told(text: str) -> str:
    return values.cut(values.plain(text[:MAX_TOLD_BYTES]), max_bytes=MAX_TOLD_BYTES)
