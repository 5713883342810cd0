"""From one event to the next."""

import gzip
from datetime import UTC, datetime

from extractor.handler import extracted, handler
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import LineOutcome, MailRef
from pipeline.contracts.mail_events import MailExtracted, MailFetched
from pipeline.contracts.mailbox import Handling
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope, Parcel
from tests.support.mails import aggregate_xml, mail, part


def fetched(*cargo: Parcel) -> Envelope:
    event = MailFetched(
        mail=MailRef.of(mailbox_id="box", folder="INBOX", uidvalidity=7, uid=1),
        handling=Handling(settings_version=1),
        size=sum(parcel.size for parcel in cargo),
        fetched_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    return Envelope(event, cargo)


def test_a_repeat_whose_bytes_are_gone_is_left_to_the_parser_which_knows_the_mail() -> None:
    found = extracted(fetched(Parcel(size=400_000, blob="gone")), Limits())
    assert isinstance(found.event, MailExtracted)
    assert [(line.outcome, line.reason) for line in found.event.lines] == [(LineOutcome.REFUSED, Reason.BLOB_MISSING)]
    assert found.cargo == ()


def test_a_document_says_where_beside_the_event_its_bytes_are() -> None:
    reports = [aggregate_xml(report_id="one"), aggregate_xml(report_id="two")]
    raw = mail(*(part(xml, name="report.xml") for xml in reports))
    found = extracted(fetched(Parcel.of(raw)), Limits())
    assert isinstance(found.event, MailExtracted)
    assert found.cargo[0].bytes == raw
    assert [gzip.decompress(found.cargo[info.cargo].bytes) for info in found.event.documents] == reports


def test_a_mailbox_cannot_allow_more_than_the_limit() -> None:
    raw = mail(part(aggregate_xml(), name="report.xml"))
    found = extracted(fetched(Parcel.of(raw)), Limits(max_attachment_bytes=10))
    assert isinstance(found.event, MailExtracted)
    assert not found.event.documents
    assert LineOutcome.REFUSED in {line.outcome for line in found.event.lines}


async def test_a_mail_that_ends_in_an_error_is_alone_with_it() -> None:
    good = fetched(Parcel.of(mail(part(aggregate_xml(), name="report.xml"))))
    first, error, last = await handler(Limits())([good, fetched(), good])  # an event without the mail's bytes

    assert isinstance(error, IndexError)
    for result in (first, last):
        assert isinstance(result, list)
        assert isinstance(result[0].event, MailExtracted)
        assert result[0].event.documents
