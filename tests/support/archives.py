"""Archives made for tests: honest ones by the standard library, dishonest ones by changing bytes of those."""

import binascii
import gzip
import io
import struct
import zipfile
import zlib


def zip_of(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file with these (name, bytes), in this order; names may repeat or be empty."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = method
            archive.writestr(info, data)
    data = out.getvalue()
    return _without_name(data) if any(not name for name, _ in members) else data


def _without_name(data: bytes) -> bytes:
    """A one-member archive whose member has lost its name (of one character)."""
    central = data.index(b"PK\x01\x02")
    local = data[:26] + b"\x00\x00" + data[28:30] + data[31:central]
    entry = data[central : central + 28] + b"\x00\x00" + data[central + 30 : central + 46] + data[central + 47 :]
    end = len(entry) - 22
    sizes = struct.pack("<LL", end, len(local))
    return local + entry[: end + 12] + sizes + entry[end + 20 :]


def streamed_zip(name: str, data: bytes) -> bytes:
    """A zip as a program writes that cannot seek: sizes and CRC follow the data."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, chunk: object) -> int:
            piece = bytes(chunk)  # type: ignore[call-overload]
            self.written += piece
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return bytes(pipe.written)


def with_central(data: bytes, *, offset: int, value: bytes) -> bytes:
    """The archive with bytes of its first central directory entry replaced."""
    at = data.index(b"PK\x01\x02") + offset
    return data[:at] + value + data[at + len(value) :]


def gzip_bomb(size: int, *, layers: int = 1) -> bytes:
    """`size` bytes of white space behind the start of a report, compressed, and that again for every further layer."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = bytearray(deflater.compress(b"<feedback>"))
    block = b" " * 1_000_000
    for _ in range(size // len(block)):
        out += deflater.compress(block)
    data = bytes(out + deflater.flush())
    for _ in range(layers - 1):
        data = gzip.compress(data, mtime=0)
    return data


def tar_of(name: str, data: bytes) -> bytes:
    """A tar archive's beginning, which is enough to know it."""
    header = name.encode().ljust(257, b"\x00") + b"ustar\x0000"
    return header.ljust(512, b"\x00") + data


def uuencoded(data: bytes, name: str = "r.xml.gz", *, mode: str = "644 ", end: bytes = b"`\nend\n") -> bytes:
    """A uuencoded file, as the old tool wrote it."""
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    return f"begin {mode}{name}\n".encode() + lines + end


def _length(size: int) -> bytes:
    return b"\x84" + struct.pack(">L", size)


def signed_in_ber(content: bytes, *, chunk: int = 100, nested: bool = False) -> bytes:
    """Signed data as Outlook writes it: lengths left open, the content in chunks."""
    chunks = b"".join(
        b"\x04" + _length(len(piece)) + piece
        for piece in (content[at : at + chunk] for at in range(0, len(content), chunk))
    )
    octets = b"\x24\x80" + (b"\x24\x80" + chunks + b"\x00\x00" if nested else chunks) + b"\x00\x00"
    data_oid, signed_oid = b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x01", b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x02"
    inner = b"\x30\x80" + data_oid + b"\xa0\x80" + octets + b"\x00\x00" + b"\x00\x00"
    signed = b"\x30\x80\x02\x01\x01\x31\x80\x30\x80\x05\x00\x00\x00\x00\x00" + inner + b"\x31\x00\x00\x00"
    return b"\x30\x80" + signed_oid + b"\xa0\x80" + signed + b"\x00\x00\x00\x00"
