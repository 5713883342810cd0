"""What the operating commands print: tables for people, JSON lines for machines."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """The rows as a table of these columns (all fields as JSON lines for machines); `empty` where there are none."""
    rows = list(rows)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " ").replace(".", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(_field(row, column)) for column in columns))
    Console().print(table)


def _field(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return plain(shown).replace("[", r"\[")


def plain(text: str) -> str:
    """Without what could play tricks on a terminal: reports and DNS may say anything."""
    return "".join(c if c.isprintable() else "?" for c in text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
