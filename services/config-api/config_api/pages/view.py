"""What every template can use: filters, the vocabulary, the chosen colours; and the query string in hand."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, request

from config_api.pages import words
from config_api.pages.formatting import FILTERS
from config_api.pages.notes import PARAMETER, note
from config_api.pages.theme import chosen_theme

MAX_LENGTH = 500


def prepare(app: Flask) -> None:
    """Gives the app's templates their filters and names, once."""
    environment = app.jinja_env
    environment.filters.update(FILTERS, without=without, with_value=with_value, reason=words.reason, plain=words.plain)
    environment.globals.update(words=words, said=words.said, note=note)
    environment.trim_blocks = environment.lstrip_blocks = True
    app.context_processor(lambda: {"theme": chosen_theme()})


def query() -> dict[str, str]:
    """The filled-in parameters of the request, trimmed and bounded."""
    args = {name: value.replace("\0", "").strip()[:MAX_LENGTH] for name, value in request.args.items()}
    return {name: value for name, value in args.items() if value and name != PARAMETER}


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping without these names."""
    return {name: value for name, value in values.items() if name not in names}


def with_value(values: Mapping[str, Any], name: str, value: object) -> dict[str, Any]:
    """The mapping with one name set."""
    return {**values, name: value}
