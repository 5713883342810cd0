"""One attachment, opened as deep as the limits allow: gzip, zip, and each in the other.

A container is held in memory whole and is never larger than an attachment may be. A document streams through from its
decompressor to the cargo, so that a bomb costs some chunks of memory until it crosses a limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from extractor import likeness, uuencode
from extractor.behind import apart
from extractor.budget import Allowance, Budget
from extractor.cms import signed_content
from extractor.findings import Document, Ignored, Item, NestedMail, Refusal
from extractor.gz import Deflated, Gzip, Plain, reports_apart
from extractor.headers import one_line
from extractor.inflate import Source
from extractor.look import UNCLEAR, Seen, look_closer, window_bits_of
from extractor.nested import nested_mails
from extractor.pack import pack, pack_bytes
from extractor.restore import with_line_feeds
from extractor.sniff import ENCRYPTED, UNSUPPORTED, Sniffed, looks_like_report, sniff
from extractor.zipdirectory import entries, holds_other_things
from extractor.zips import ZipMember
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.mailbox import AttachmentFormat, AttachmentRules
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from pipeline.mailformat.fields import begins_with_field

Piece = Document | Refusal | Ignored | NestedMail

SNIFF_BYTES: Final = 4096  # an archive member's first bytes are gathered up to this count before it is judged

_SWITCH: Final = {
    Sniffed.GZIP: AttachmentFormat.GZ,
    Sniffed.ZIP: AttachmentFormat.ZIP,
    Sniffed.DEFLATE: AttachmentFormat.GZ,
    Sniffed.MAIL: AttachmentFormat.EML,
    Sniffed.CMS_SIGNED: AttachmentFormat.EML,
    Sniffed.XML: AttachmentFormat.XML,
    Sniffed.JSON: AttachmentFormat.XML,
}
_SHUT: Final = frozenset(
    {Reason.ENCRYPTED, Reason.UNSUPPORTED_COMPRESSION, Reason.CORRUPT_CONTAINER, Reason.TRUNCATED_CONTAINER}
)
DOCUMENTS: Final = {Sniffed.XML: DocumentFormat.XML, Sniffed.JSON: DocumentFormat.JSON}
_CONTAINERS: Final = frozenset(
    {Sniffed.GZIP, Sniffed.DEFLATE, Sniffed.ZIP, Sniffed.MAIL, Sniffed.CMS_SIGNED, Sniffed.UUENCODED}
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms an attachment is opened.

    `is_expected`: the mail presents itself as a report mail. `is_from_reporter`: its sender does.
    """

    rules: AttachmentRules
    budget: Budget
    is_expected: bool
    is_from_reporter: bool = False


def format_of(kind: Sniffed) -> AttachmentFormat | None:
    """The attachment format under which a user would switch this kind off; None when it is no report format."""
    return _SWITCH.get(kind)


def unpack(item: Item, data: bytes, *, kind: Sniffed, terms: Terms, depth: int) -> Iterator[Piece]:
    """What is in an attachment of this kind: documents, and a finding for whatever is none.

    `depth` is that of the mail which holds it.
    """
    switch = format_of(kind)
    if switch and switch not in terms.rules.formats and not _is_foreign(kind, data, terms):
        yield Ignored(item, Reason.FORMAT_NOT_ALLOWED, switch.value)
    elif len(data) > terms.rules.max_bytes:
        yield _too_large(item, switch, terms)
    elif kind in _CONTAINERS:
        allowance = Allowance(terms.budget, attachment_bytes=len(data))
        yield from _Opening(terms, allowance).container(item, data, kind=kind, depth=depth + 1)
    elif kind in DOCUMENTS and not _is_foreign(kind, data, terms):
        yield Document(item, DOCUMENTS[kind], pack_bytes(data))
    elif kind is Sniffed.TEXT and likeness.is_packed(item.name):
        yield Ignored(item, Reason.NOT_UNDERSTOOD)
    else:
        yield no_document(item, kind, terms)


def no_document(item: Item, kind: Sniffed, terms: Terms) -> Refusal | Ignored:
    """The finding of something that is neither a document nor a container that can be opened."""
    if kind in ENCRYPTED:
        return _closed(item, Reason.ENCRYPTED, kind.value, terms)
    if kind in UNSUPPORTED or (kind is Sniffed.OLE2 and _is_wrapped_mail(item)):
        return _closed(item, Reason.UNSUPPORTED_CONTAINER, kind.value, terms)
    if kind is Sniffed.EMPTY:
        return Ignored(item, Reason.EMPTY_DOCUMENT)
    if kind is Sniffed.BINARY:
        return Ignored(item, Reason.NOT_UNDERSTOOD)
    return Ignored(item, Reason.NO_REPORT_CONTENT, kind.value)


def _closed(item: Item, reason: Reason, detail: str, terms: Terms) -> Refusal | Ignored:
    """A container that stays shut is a loss where a report was promised; in any other mail it is none of ours."""
    if terms.is_expected or terms.is_from_reporter or likeness.is_report_name(item.name):
        return Refusal(item, reason, detail)
    return Ignored(item, reason, detail)


@dataclass(frozen=True, slots=True)
class _Opening:
    """One attachment being opened, layer by layer."""

    terms: Terms
    allowance: Allowance

    def container(self, item: Item, data: bytes, *, kind: Sniffed, depth: int) -> Iterator[Piece]:
        limit = self.terms.budget.limits.max_depth
        if depth > limit:
            yield Refusal(item, Reason.TOO_DEEP, f"more than {limit} layers")
            return
        files = apart(data, kind)
        for number, (kind_of_file, file) in enumerate(files, start=1):
            own = item
            if len(files) > 1:
                own = replace(item, path=f"{item.path}/{number}", size=len(file)).repaired((Repair.ONE_OF_SEVERAL,))
            yield from self._one(own, file, kind=kind_of_file, depth=depth)

    def _one(self, item: Item, data: bytes, *, kind: Sniffed, depth: int) -> Iterator[Piece]:
        if kind is Sniffed.GZIP:
            return self._gzip(item.as_carrier(), data, depth=depth)
        if kind is Sniffed.DEFLATE:
            source = Deflated(data, self.allowance, window_bits=window_bits_of(data))
            return self._stream(item.as_carrier(), source, depth=depth)
        if kind is Sniffed.ZIP:
            return self._zip(item, data, depth=depth)
        if kind is Sniffed.UUENCODED:
            return self._uuencoded(item, data, depth=depth)
        if kind is Sniffed.CMS_SIGNED:
            return self._signed(item, data, depth=depth)
        return nested_mails(item, data, depth=depth, budget=self.terms.budget)

    def _gzip(self, item: Item, data: bytes, *, depth: int) -> Iterator[Piece]:
        """A file, or several behind one another: each is a document of its own, numbered below the item's path."""
        files = reports_apart(data, self.allowance)
        for number, file in enumerate(files, start=1):
            own = item
            if len(files) > 1:
                own = replace(item, path=f"{item.path}/{number}", size=len(file)).repaired((Repair.ONE_OF_SEVERAL,))
            yield from self._stream(own, Gzip(file, self.allowance), depth=depth)

    def _zip(self, item: Item, data: bytes, *, depth: int) -> Iterator[Piece]:
        if holds_other_things(data):
            yield Ignored(item, Reason.NO_REPORT_CONTENT, "an office document or a program")
            return
        seen: dict[str, int] = {}
        for entry in entries(data):
            try:
                self.terms.budget.spend_member()
            except Rejected as refused:
                yield Refusal(item, refused.reason, refused.detail)
                return
            member = _member_item(item, entry.name, seen)
            if entry.is_directory:
                yield Ignored(member, detail="a directory")
                continue
            yield from self._stream(member, ZipMember(data, entry, self.allowance), depth=depth)
        if not seen:
            yield self._without_members(item, data)

    def _without_members(self, item: Item, data: bytes) -> Refusal | Ignored:
        if data.lstrip().startswith(b"PK\x05\x06"):
            return Ignored(item.as_carrier(), Reason.EMPTY_DOCUMENT, "an archive without members")
        return _closed(item, Reason.TRUNCATED_CONTAINER, "no member can be found", self.terms)

    def _uuencoded(self, item: Item, text: bytes, *, depth: int) -> Iterator[Piece]:
        seen: dict[str, int] = {}
        for file in uuencode.files(text):
            member = replace(_member_item(item, file.name, seen), declared_type="")
            yield from self._stream(member, Plain(file.data, self.allowance, repairs=file.repairs), depth=depth)

    def _signed(self, item: Item, data: bytes, *, depth: int) -> Iterator[Piece]:
        try:
            content = signed_content(data)
        except Rejected as refused:
            yield _closed(item, refused.reason, refused.detail, self.terms)
            return
        if content is None:
            yield Ignored(item, detail="a signature")
        elif begins_with_field(content):
            yield NestedMail(item, with_line_feeds(content), depth)
        else:
            yield from self._stream(item, Plain(content, self.allowance), depth=depth)

    def _stream(self, item: Item, source: Source, *, depth: int) -> Iterator[Piece]:
        try:
            yield from self._read(item, source, depth=depth)
        except Rejected as refused:
            repaired = item.repaired(source.repairs)
            if refused.reason in _SHUT:
                yield _closed(repaired, refused.reason, refused.detail, self.terms)
            else:
                yield Refusal(repaired, refused.reason, refused.detail)

    def _read(self, item: Item, source: Source, *, depth: int) -> Iterator[Piece]:
        rest = source.chunks()
        head = _gather(rest, SNIFF_BYTES)
        kind = sniff(head)
        if kind in UNCLEAR and look_closer(head, kind=kind, is_carrier=item.is_carrier).kind is not kind:
            head += _gather(rest, self.terms.rules.max_bytes + 1 - len(head))
            seen = look_closer(head, kind=kind, is_carrier=item.is_carrier)
            yield from self._seen(item.repaired((*source.repairs, *seen.repairs)), seen, depth=depth)
            return
        if kind in _CONTAINERS:
            whole = head + _gather(rest, self.terms.rules.max_bytes + 1 - len(head))
            yield from self._inner(_after(item, whole, source), whole, kind=kind, depth=depth)
        elif kind in DOCUMENTS and (self.terms.is_expected or looks_like_report(head)):
            packed = pack(source, head=head, rest=rest)
            described = item if item.sniffed else replace(item, sniffed=kind.value, size=packed.size)
            yield Document(described.repaired(source.repairs), DOCUMENTS[kind], packed)
        else:
            described = item if item.sniffed else replace(item, sniffed=kind.value, size=len(head))
            yield no_document(described, kind, self.terms)

    def _seen(self, item: Item, seen: Seen, *, depth: int) -> Iterator[Piece]:
        """What a closer look saw in a member."""
        if seen.kind in _CONTAINERS:
            yield from self._inner(item, seen.data, kind=seen.kind, depth=depth)
        elif depth > self.terms.budget.limits.max_depth:
            yield Refusal(item, Reason.TOO_DEEP)
        else:
            yield from self._stream(item, Plain(seen.data, self.allowance), depth=depth + 1)

    def _inner(self, item: Item, data: bytes, *, kind: Sniffed, depth: int) -> Iterator[Piece]:
        switch = _SWITCH.get(kind)
        if switch and switch not in self.terms.rules.formats:
            yield Ignored(item, Reason.FORMAT_NOT_ALLOWED, switch.value)
        elif len(data) > self.terms.rules.max_bytes:
            yield _too_large(item, switch, self.terms)
        else:
            yield from self.container(item, data, kind=kind, depth=depth + 1)


def _is_foreign(kind: Sniffed, data: bytes, terms: Terms) -> bool:
    """An invoice in XML, a picture in SVG: a document of a known kind in a mail that promised no report."""
    return kind in DOCUMENTS and not terms.is_expected and not looks_like_report(data)


def _is_wrapped_mail(item: Item) -> bool:
    # OLE2 is the frame of Outlook's .msg and of every old office document; only the label tells them apart.
    return item.name.lower().endswith(".msg") or item.declared_type == "application/vnd.ms-outlook" or item.is_carrier


def _too_large(item: Item, switch: AttachmentFormat | None, terms: Terms) -> Refusal | Ignored:
    detail = f"more than {terms.rules.max_bytes} bytes"
    if switch or item.is_carrier:
        return Refusal(item, Reason.ATTACHMENT_TOO_LARGE, detail)
    return Ignored(item, Reason.ATTACHMENT_TOO_LARGE, detail)


def _member_item(archive: Item, name: str, seen: dict[str, int]) -> Item:
    """A member's item; its path is unique even where names are missing, repeated or hostile."""
    shown = one_line(name) or "unnamed"
    seen[shown] = seen.get(shown, 0) + 1
    path = f"{archive.path}/{shown}" if seen[shown] == 1 else f"{archive.path}/{shown}#{seen[shown]}"
    hidden = shown.startswith((".", "__MACOSX/")) or "/." in shown
    base = shown.rstrip("/").rpartition("/")[2]
    return Item(path=path, name=base, repairs=archive.repairs, is_carrier=not hidden)


def _after(item: Item, data: bytes, source: Source) -> Item:
    described = item if item.sniffed else replace(item, size=len(data))
    return described.repaired(source.repairs)


def _gather(chunks: Iterator[bytes], count: int) -> bytes:
    """At least `count` bytes of the stream, or all of it."""
    gathered, size = [], 0
    while size < count:
        chunk = next(chunks, None)
        if chunk is None:
            break
        gathered.append(chunk)
        size += len(chunk)
    return gathered[0] if len(gathered) == 1 else b"".join(gathered)
