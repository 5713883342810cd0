"""The outcome for people: a Markdown table, and what was found wrong below it."""

from collections.abc import Sequence

from tests.chaos.trial import Row

HEADER = ("fault", "injected", "mails", "lost", "doubled", "too early", "recovery s", "verdict")
SHOWN = 8


def as_table(rows: Sequence[Row]) -> str:
    """One line for each fault."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    lines = [_line(line, widths) for line in cells]
    notes = [f"{row.fault}: {what}: {text}" for row in rows for what, text in row.notes.items()]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:], "", *notes]).rstrip()


def as_page(rows: Sequence[Row], *, mails: int, seed: int) -> str:
    """A Markdown page: the table, and what was found wrong below it."""
    broken = sum(not row.clean for row in rows)
    minutes = sum(row.seconds for row in rows) / 60
    head = f"{len(rows)} faults, {mails:,} mails for each strike, seed {seed}: {broken} broken; {minutes:.0f} minutes."
    wrong = [f"- {row.fault}: {text.strip()}" for row in rows for text in complaints(row)]
    return "\n".join(["# Faults under load", "", head, "", as_table(rows), "", *wrong]).rstrip() + "\n"


def as_line(row: Row) -> str:
    """One fault, as soon as it is done."""
    verdict = _verdict(row)
    facts = "  ".join(f"{name} {value}" for name, value in zip(HEADER[1:-1], _cells(row)[1:-1], strict=True))
    return f"{verdict:7}{row.fault}: {facts}  ({row.seconds:.0f} s)"


def complaints(row: Row) -> list[str]:
    """What is wrong, and what the services said that nobody expects."""
    findings = [*row.findings.lost, *row.findings.doubled, *(f"too early: {name}" for name in row.findings.early)]
    return [*dict.fromkeys(findings), *row.complaints][:SHOWN]


def _cells(row: Row) -> tuple[str, ...]:
    found = row.findings
    counts = (row.injected, row.mails, len(found.lost), len(found.doubled), len(found.early))
    return (row.fault, *(f"{count:,}" for count in counts), f"{row.recovery_s:.1f}", _verdict(row))


def _verdict(row: Row) -> str:
    return "ok" if row.clean else "BROKEN"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "| " + " | ".join((first, *rest)) + " |"
