"""From a fetched mail to an extracted one: its documents, and a line for every part."""

import asyncio
from collections.abc import Sequence

from extractor.find import find_in_import, find_in_mail
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import HANDED_OVER, LineOutcome, PartLine
from pipeline.contracts.mail_events import MailExtracted, MailFetched
from pipeline.contracts.mailbox import AttachmentRules
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope, Parcel
from pipeline.errors import Rejected
from pipeline.runtime.stage import Handler, Result


def handler(limits: Limits) -> Handler:
    """The stage handler that unpacks mails under these limits, in a thread so that heartbeats go on."""

    async def handle(envelopes: Sequence[Envelope]) -> Sequence[Result]:
        return await asyncio.to_thread(lambda: [_result(envelope, limits) for envelope in envelopes])

    return handle


def _result(envelope: Envelope, limits: Limits) -> Result:
    try:
        return [extracted(envelope, limits)]
    except Exception as error:  # noqa: BLE001 an error about one mail is that mail's; the runtime judges it
        return error


def extracted(envelope: Envelope, limits: Limits) -> Envelope:
    """What the mail holds. A mail that was not downloaded has one refused line that says why.

    So has one whose bytes are gone: they go when the mail is done, so that this is most likely a repeat, which is for
    the parser to know. Raises Rejected for an event of another type.
    """
    event = envelope.event
    if not isinstance(event, MailFetched):
        raise Rejected(Reason.UNDECODABLE_EVENT, f"{event.type} where mail_fetched was expected")
    passed_on = {name: getattr(event, name) for name in _PASSED_ON}
    refused = event.refused or _gone(envelope)
    if refused is not None:
        line = PartLine(path="", size=event.size, outcome=LineOutcome.REFUSED, reason=refused)
        return Envelope(
            MailExtracted(**passed_on, subject_line=event.subject_line, from_address=event.from_address, lines=(line,))
        )
    find = find_in_import if event.mail.mailbox_id == HANDED_OVER else find_in_mail
    found = find(envelope.cargo[0].bytes, rules=_bounded(event.handling.attachments, limits), limits=limits)
    return Envelope(
        MailExtracted(
            **passed_on,
            subject_line=found.subject,
            from_address=found.from_address,
            header_message_id=found.message_id,
            date=found.date,
            lines=found.lines,
            documents=found.documents,
        ),
        (envelope.cargo[0], *map(Parcel.of, found.blobs)),
    )


def _gone(envelope: Envelope) -> Reason | None:
    return Reason.BLOB_MISSING if envelope.cargo and envelope.cargo[0].data is None else None


def _bounded(rules: AttachmentRules, limits: Limits) -> AttachmentRules:
    """A mailbox may allow less than the limit, not more."""
    if rules.max_bytes <= limits.max_attachment_bytes:
        return rules
    return rules.model_copy(update={"max_bytes": limits.max_attachment_bytes})


_PASSED_ON = ("mail", "handling", "size", "internal_date", "fetched_at", "run_id", "take", "refused")
