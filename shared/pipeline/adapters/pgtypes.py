"""How values of PostgreSQL's types look in Python, where the driver's own choice is slow or unhandy."""

import socket
from typing import Any

import asyncpg
from pydantic_core import from_json

from pipeline.adapters.pgjson import Json, encoded

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
