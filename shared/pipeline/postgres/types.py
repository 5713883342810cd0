"""How values of PostgreSQL's types look in Python, and JSON as jsonb can hold it: no NUL and no lone surrogate in
any text."""

import re
import socket
from typing import Any

import asyncpg
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json

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


JSONB_VERSION = b"\x01"  # the first byte of jsonb on the wire
IPV4 = bytes((2, 32, 0, 4))  # inet on the wire: family, bits of the mask, is it a cidr, length; then the address
IPV6 = bytes((3, 128, 0, 16))


async def set_types(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """jsonb is any value that JSON has, inet is text, on this connection."""
    for name, encoder, decoder in (("jsonb", jsonb_to_wire, jsonb_from_wire), ("inet", inet_to_wire, inet_from_wire)):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=encoder, decoder=decoder, format="binary")


def jsonb_to_wire(value: Any) -> bytes:
    """A value as jsonb travels."""
    return JSONB_VERSION + (value if isinstance(value, Json) else encoded(value))


def jsonb_from_wire(data: bytes) -> Any:
    """The value of a jsonb."""
    return from_json(data[1:])


def inet_to_wire(address: str) -> bytes:
    """A single address, canonical text, as inet travels. Raises OSError for anything else."""
    if ":" in address:
        return IPV6 + socket.inet_pton(socket.AF_INET6, address)
    return IPV4 + socket.inet_pton(socket.AF_INET, address)


def inet_from_wire(data: bytes) -> str:
    """The text of an inet; with its mask where it is no single address."""
    family = socket.AF_INET if data[3] == 4 else socket.AF_INET6
    address = socket.inet_ntop(family, data[4:])
    return address if data[1] == data[3] * 8 else f"{address}/{data[1]}"
