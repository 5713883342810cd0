"""A mail that was found inside of another or in an archive, or the mails of an mbox file that was found there."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from extractor.budget import Budget
from extractor.findings import Item, NestedMail, Refusal
from extractor.mbox import LINE, is_divider, numbered_mails
from extractor.restore import with_line_feeds
from pipeline.contracts.reasons import Reason


def nested_mails(item: Item, data: bytes, *, depth: int, budget: Budget) -> Iterator[NestedMail | Refusal]:
    """The mail that `data` is, at the item's path; the mails of an mbox file below it, numbered from 1.

    Searching a mail must draw on the budget before the next one is asked for: without parts left, the rest is refused.
    """
    raw = with_line_feeds(data)
    mbox = raw.lstrip(b"\r\n\t ")
    if not is_divider(mbox[:LINE].partition(b"\n")[0]):
        yield NestedMail(item, raw, depth)
        return
    for number, mail in numbered_mails(BytesIO(mbox), max_bytes=len(mbox)):
        if number > 1 and budget.parts_left <= 0:
            yield Refusal(item, Reason.TOO_MANY_PARTS, f"mail {number} of an mbox file and those behind it")
            return
        path = f"{item.path}/{number}" if number else item.path
        yield NestedMail(replace(item, path=path, size=len(mail)), mail, depth)
