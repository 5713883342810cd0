"""A MIME leaf, decoded and sniffed: what the search works on, and the order in which it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from extractor import headers, likeness
from extractor.decode import decode
from extractor.findings import Item
from extractor.look import UNCLEAR, look_closer
from extractor.mime import Part
from extractor.sniff import Sniffed, is_report_itself, sniff
from extractor.unpack import format_of
from pipeline.contracts.mailbox import AttachmentFormat

_MAIL_TYPES: Final = frozenset({"message/rfc822", "message/global", "message/news"})
_SIGNATURE_TYPES: Final = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_OPENED: Final = frozenset({Sniffed.GZIP, Sniffed.ZIP, Sniffed.DEFLATE, Sniffed.UUENCODED, Sniffed.CMS_SIGNED})


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf's line so far, its decoded bytes, and what they are.

    `is_prose`: text for humans, never searched for reports. `is_signature`: a detached signature.
    """

    item: Item
    data: bytes
    kind: Sniffed
    is_prose: bool
    is_signature: bool


def leaf_of(raw: bytes, part: Part, mail: Item) -> Leaf:
    """The leaf at `part` of the mail `raw`, which is itself `mail` (its path is empty for the fetched one)."""
    fields, content_type = part.fields, part.content_type
    data, repairs = decode(raw[part.start : part.end], fields.encoding)
    name = headers.file_name(fields)
    kind = sniff(data)
    is_carrier = likeness.is_carrier(declared_type=content_type, name=name)
    if content_type in _MAIL_TYPES and kind not in _OPENED:
        kind = Sniffed.MAIL
    elif kind in UNCLEAR:
        seen = look_closer(data, kind=kind, is_carrier=is_carrier)
        data, kind, repairs = seen.data, seen.kind, (*repairs, *seen.repairs)
    item = Item(
        path=f"{mail.path}/{part.path}" if mail.path else part.path,
        name=name,
        declared_type=content_type[:100],
        sniffed=kind.value,
        size=len(data),
        repairs=(*mail.repairs, *part.repairs, *repairs),
        is_carrier=is_carrier,
    )
    return Leaf(
        item=item,
        data=data,
        kind=kind,
        is_prose=_is_prose(part, name=name, kind=kind, data=data),
        is_signature=content_type in _SIGNATURE_TYPES,
    )


def in_order_of_priority(found: Sequence[Leaf], priority: Sequence[AttachmentFormat]) -> list[Leaf]:
    """The leaves, formats with priority first, in the mail's order within a format; what is no report format last."""
    rank = {switch: position for position, switch in enumerate(priority)}

    def rank_of(leaf: Leaf) -> int:
        switch = format_of(leaf.kind)
        return len(rank) + 1 if switch is None or leaf.is_prose else rank.get(switch, len(rank))

    return sorted(found, key=rank_of)


def _is_prose(part: Part, *, name: str, kind: Sniffed, data: bytes) -> bool:
    """Text for humans: a text part without a file name that is no archive, and no report from its first byte on."""
    if name or part.fields.is_attachment or kind in _OPENED:
        return False
    content_type = part.content_type
    if kind is Sniffed.MAIL and content_type == "":
        return False
    is_text = content_type == "" or (content_type.startswith("text/") and content_type != "text/xml")
    return is_text and (kind is Sniffed.TEXT or not is_report_itself(data))  # what is sniffed as text is no report
