"""JSON as PostgreSQL's jsonb can hold it: no NUL and no lone surrogate in any text."""

import re
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

_NUL = rb"\u0000"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


class Json(bytes):
    """A value that is JSON already, as `encoded` gives it."""


def encoded(value: Any) -> bytes:
    """The value as JSON in UTF-8; characters that PostgreSQL cannot hold become U+FFFD.

    Takes what pydantic can serialise: models, datetimes (ISO 8601), UUIDs, enums, tuples.
    """
    try:
        json = to_json(value)
    except (PydanticSerializationError, UnicodeEncodeError):
        return to_json(_storable(value))
    return to_json(_storable(value)) if _NUL in json else json


def storable(text: str) -> str:
    """The text without characters that PostgreSQL cannot hold."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, BaseModel):
        return _storable(value.model_dump())
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value
