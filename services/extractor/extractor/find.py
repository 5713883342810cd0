"""The extractor's whole knowledge in two functions: a mail's bytes, or a file's, to findings.

Pure: no clock, no network, no files. Never raises for what is in the bytes. Every part and every archive member gets
a line; limits hold over everything that is nested in the mail together.

Paths number MIME parts from 1 ("2", "1/2"), a nested mail's parts below its own path ("3/1"), the mails of an mbox file
likewise (the second mail's first part: "3/2/1"), and name archive members ("2/report.xml"). A failure
report is the mail itself: path "0", or the path of the part that holds it.
"""

from dataclasses import replace
from itertools import islice
from typing import Final

from extractor import headers, likeness
from extractor.budget import Budget
from extractor.decode import decode
from extractor.failure import is_bounce, is_failure_report, is_feedback, is_notice
from extractor.findings import Document, Findings, Ignored, Item, NestedMail, Notebook, Refusal
from extractor.leaf import Leaf, in_order_of_priority, leaf_of
from extractor.look import UNCLEAR, Seen, look_closer
from extractor.mime import Part, leaves, top
from extractor.opened import OpenedMail, is_strange_mail, open_mail
from extractor.pack import pack_bytes
from extractor.restore import with_line_feeds
from extractor.sniff import Sniffed, sniff
from extractor.unpack import DOCUMENTS, Terms, unpack
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import HANDED_OVER_SUBJECT, DocumentFormat
from pipeline.contracts.mailbox import AttachmentFormat, AttachmentRules
from pipeline.contracts.reasons import Reason

WALKED_PARTS: Final = 5  # times the parts limit: among so many the parts with priority are chosen
WHOLE: Final = "0"  # the path of the mail itself

_MAIL_NAME: Final = "handed-over.eml"

_ARCHIVES: Final = frozenset({Sniffed.GZIP, Sniffed.ZIP})
_NO_CLEAR_FILE: Final = UNCLEAR | {Sniffed.HTML}


def find_in_mail(raw: bytes, *, rules: AttachmentRules, limits: Limits) -> Findings:
    """The reports in a mail (RFC 5322 bytes), whatever it says that it is."""
    size = len(raw)
    search = _Search(rules, Budget(limits))
    if size > limits.max_mail_bytes:
        search.notebook.note(Refusal(Item(WHOLE, size=size), Reason.MAIL_TOO_LARGE))
        return search.findings(top(with_line_feeds(raw)))
    opened = open_mail(raw)
    item = Item("", sniffed=Sniffed.MAIL, size=size, repairs=opened.repairs)
    search.mail(opened, item, depth=0)
    return search.findings(opened.mail)


def find_in_file(data: bytes, *, name: str, rules: AttachmentRules, limits: Limits) -> Findings:
    """The reports in a file of any kind: a mail, an archive or a document, told apart by their bytes.

    The name decides only where the bytes say nothing: a text in an .eml file is a mail, if a strange one.
    A file that is no mail was meant to be a report; where it is none, it is refused.
    """
    kind = sniff(data)
    if kind is Sniffed.MAIL or (kind in _NO_CLEAR_FILE and (name.lower().endswith(".eml") or is_strange_mail(data))):
        return find_in_mail(data, rules=rules, limits=limits)
    seen = look_closer(data, kind=kind, is_carrier=True) if kind in UNCLEAR else Seen(data, kind)
    search = _Search(rules, Budget(limits), is_expected=True)
    base = headers.base_name(name)
    item = Item(WHOLE, base, sniffed=seen.kind.value, size=len(data), repairs=seen.repairs, is_carrier=True)
    search.attachment(item, seen.data, kind=seen.kind, depth=0)
    return search.findings(None)


def find_in_import(raw: bytes, *, rules: AttachmentRules, limits: Limits) -> Findings:
    """The reports in a file that was handed over: itself where it is a mail, else in a mail of our own round it.

    They are the same as `find_in_file` finds, and are refused for the same reasons. What came as it is begins like a
    mail; its name is not known, so a short text is taken for a mail as if it had one that says so.
    """
    mail = top(raw)
    subject = headers.subject(mail.fields)
    if not (subject.startswith(HANDED_OVER_SUBJECT) and mail.fields.is_attachment):
        return find_in_file(raw, name=_MAIL_NAME, rules=rules, limits=limits)
    data, _ = decode(raw[mail.start : mail.end], mail.fields.encoding)
    found = find_in_file(data, name=headers.file_name(mail.fields), rules=rules, limits=limits)
    return replace(found, subject=found.subject or subject)


class _Search:
    """One mail or file being searched: its terms, the budget that it draws on, and what has been noted so far."""

    def __init__(self, rules: AttachmentRules, budget: Budget, *, is_expected: bool = False) -> None:
        self.notebook = Notebook()
        self._rules = rules
        self._budget = budget
        self._is_from_reporter = False
        self._is_expected = is_expected  # something said that there is a report in here

    def mail(self, opened: OpenedMail, item: Item, *, depth: int) -> None:
        """Search a mail: the fetched one, or one that was found inside of it."""
        raw, mail = opened.raw, opened.mail
        walked = list(islice(leaves(raw, mail), self._budget.limits.max_parts * WALKED_PARTS))
        found = [leaf_of(raw, part, item) for part in walked]
        if any(map(_tells_of_failure, found)) or is_failure_report(mail, walked):
            self._failure_report(raw, item, found)
            return
        self._is_expected = (
            self._is_expected
            or likeness.looks_like_report_mail(subject=headers.subject(mail.fields), fields=mail.fields)
            or any(likeness.is_report_name(leaf.item.name) for leaf in found)
        )
        if all(leaf.is_prose for leaf in found) and self._must_carry_report(mail):
            found = [replace(leaf, is_prose=leaf.kind not in DOCUMENTS) for leaf in found]  # it stands in a letter
        kept = self._within_budget(in_order_of_priority(found, self._rules.priority))
        self._is_from_reporter = likeness.is_reporter(headers.from_address(mail.fields))
        returned = is_bounce(mail)
        for leaf in kept:
            self._leaf(leaf, depth=depth, is_returned=returned)
        if len(kept) < len(found):
            limit = self._budget.limits.max_parts
            self.notebook.note(Refusal(Item(item.path or WHOLE), Reason.TOO_MANY_PARTS, f"more than {limit} parts"))

    def attachment(self, item: Item, data: bytes, *, kind: Sniffed, depth: int) -> None:
        """Open one attachment and whatever is inside of it."""
        terms = Terms(self._rules, self._budget, self._is_expected, self._is_from_reporter)
        for piece in unpack(item, data, kind=kind, terms=terms, depth=depth):
            if isinstance(piece, NestedMail):
                opened = open_mail(piece.data)
                self.mail(opened, piece.item.repaired(opened.repairs), depth=piece.depth)
            else:
                self.notebook.note(piece)

    def findings(self, mail: Part | None) -> Findings:
        """What was noted, under what the mail says of itself. Call it once, at the end."""
        self._judge_absence(mail)
        book = self.notebook
        return Findings(
            subject=headers.subject(mail.fields) if mail else "",
            from_address=headers.from_address(mail.fields) if mail else "",
            message_id=headers.message_id(mail.fields) if mail else "",
            date=headers.date(mail.fields) if mail else None,
            lines=tuple(book.lines),
            documents=tuple(book.documents),
            blobs=tuple(book.blobs),
        )

    def _leaf(self, leaf: Leaf, *, depth: int, is_returned: bool) -> None:
        if leaf.is_prose:
            self.notebook.note(Ignored(leaf.item, detail="text"))
        elif leaf.is_signature:
            self.notebook.note(Ignored(leaf.item, detail="a signature"))
        elif is_returned and leaf.kind in (Sniffed.MAIL, Sniffed.UUENCODED):
            self.notebook.note(Ignored(leaf.item, detail="returned by a bounce"))
        else:
            self.attachment(leaf.item, leaf.data, kind=leaf.kind, depth=depth)

    def _failure_report(self, raw: bytes, item: Item, found: list[Leaf]) -> None:
        whole = replace(item, path=item.path or WHOLE)
        if AttachmentFormat.XML in self._rules.formats:
            self.notebook.note(Document(whole, DocumentFormat.ARF, pack_bytes(raw)))
        else:
            self.notebook.note(Ignored(whole, Reason.FORMAT_NOT_ALLOWED, AttachmentFormat.XML.value))
        for leaf in self._within_budget(found):
            self.notebook.note(Ignored(leaf.item, detail="part of the failure report"))

    def _within_budget(self, found: list[Leaf]) -> list[Leaf]:
        kept = found[: self._budget.parts_left]
        self._budget.parts_left -= len(kept)
        return kept

    def _must_carry_report(self, mail: Part) -> bool:
        return likeness.must_carry_report(subject=headers.subject(mail.fields), fields=mail.fields)

    def _judge_absence(self, mail: Part | None) -> None:
        """No report where one was promised is a loss to be seen; anywhere else it is a mail like any other."""
        book = self.notebook
        if book.documents or not self._is_expected:
            return
        book.refuse_carriers()
        if book.has_refusals or mail is None:
            return
        if self._must_carry_report(mail) and not book.has_switched_off:
            book.note(Refusal(Item(WHOLE, sniffed=Sniffed.MAIL), Reason.REPORT_REMOVED))


def _tells_of_failure(leaf: Leaf) -> bool:
    if leaf.kind in _ARCHIVES:
        return False
    return is_feedback(leaf.data) or (leaf.is_prose and is_notice(leaf.data))
