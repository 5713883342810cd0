"""A small mmdb file (format 2.0) that says the same of every IPv4 address."""

from collections.abc import Mapping
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
UTF8, UINT32, MAP, ARRAY = 2, 6, 7, 11


def mmdb(entry: Mapping[str, Any], *, kind: str = "Test", epoch: int = 1_700_000_000) -> bytes:
    """One node, both of whose sides are the entry: networks of /1."""
    data_at = (1 + 16).to_bytes(3, "big")  # node count, and the 16 bytes between tree and data
    metadata: dict[str, Any] = {
        "node_count": 1,
        "record_size": 24,
        "ip_version": 4,
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": epoch,
        "description": {"en": "a test"},
    }
    return data_at * 2 + bytes(16) + _encoded(entry) + MARKER + _encoded(metadata)


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        raw = value.encode()
        return _head(UTF8, len(raw)) + raw
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(UINT32, len(raw)) + raw
    if isinstance(value, list):
        return _head(ARRAY, len(value)) + b"".join(map(_encoded, value))
    return _head(MAP, len(value)) + b"".join(_encoded(name) + _encoded(one) for name, one in value.items())


def _head(kind: int, size: int) -> bytes:
    extra = b"" if size < 29 else bytes([size - 29])
    short = min(size, 29)
    return bytes([kind << 5 | short]) + extra if kind <= 7 else bytes([short, kind - 7]) + extra
