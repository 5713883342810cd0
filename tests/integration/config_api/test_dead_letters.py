from contextlib import suppress
from dataclasses import replace
from typing import Any

import nats.js.errors
import pytest
from nats.js.api import RawStreamMsg

from config_api.dead_letters import queries as letters
from config_api.dead_letters.queries import DeadLetterFilter
from config_api.dead_letters.retry import retry_all
from extractor.handler import extracted as extract
from pipeline.contracts.dead_letter import dead_letters
from pipeline.contracts.limits import Limits, MiB
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import MailExtracted, MailFetched
from pipeline.contracts.mailbox import AttachmentRules, Handling
from pipeline.contracts.reasons import Reason
from pipeline.contracts.topology import INLINE_CARGO_BYTES
from pipeline.contracts.wire import Envelope, Parcel, Wire, decode, encode
from pipeline.errors import Dead
from tests.support.archives import zip_of
from tests.support.config_api import Api
from tests.support.extracted import FETCHED_AT, extracted
from tests.support.mails import mail, part
from tests.support.reports import report_xml
from tests.support.stored import store

MAIL = b"Subject: broken\r\n\r\nnothing to see"


def _fetched(uid: int, *, mailbox_id: str = "box", mail: bytes = MAIL) -> Envelope:
    event = MailFetched(
        mail=MailRef.of(mailbox_id=mailbox_id, folder="INBOX", uidvalidity=7, uid=uid),
        handling=Handling(settings_version=1),
        size=len(mail),
        fetched_at=FETCHED_AT,
        subject_line="broken",
        from_address="noreply@receiver.example",
    )
    return Envelope(event, (Parcel.of(mail),))


def _put_dead_letters(
    api: Api, *envelopes: Envelope, reason: Reason = Reason.BUG, wires: tuple[Wire, ...] = ()
) -> None:
    async def put() -> None:
        bus = api.backend.bus
        for wire in (*map(encode, envelopes), *wires):
            letter = dead_letters(wire, Dead(reason, "told so"), consumer="extractor", deliveries=4)[0]
            await bus.publish_wires([letter])

    api.backend.run(put())


def _letters(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = api("GET", f"/dead-letters{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])  # type: ignore[index]


def _on_its_way(api: Api, stream: str) -> list[RawStreamMsg]:
    async def look() -> list[RawStreamMsg]:
        js = api.backend.bus.js
        state = (await js.stream_info(stream)).state
        found = []
        for sequence in range(state.first_seq, state.last_seq + 1):
            with suppress(nats.js.errors.NotFoundError):
                found.append(await js.get_msg(stream, seq=sequence))
        return found

    return api.backend.run(look())


def test_a_dead_letter_says_what_died_why_and_after_how_many_tries(api: Api) -> None:
    _put_dead_letters(api, _fetched(1))
    [letter] = _letters(api)
    wanted = {
        "mailbox_id": "box", "reason": "bug", "detail": "told so", "consumer": "extractor", "deliveries": 4,
        "event_type": "mail_fetched", "subject_line": "broken", "from_address": "noreply@receiver.example",
    }  # fmt: skip
    assert {name: letter[name] for name in wanted} == wanted
    assert letter["reason_text"] == Reason.BUG.text
    shown = api("GET", f"/dead-letters/{letter['id']}").json
    assert shown is not None
    assert shown["mail_id"] == letter["mail_id"]


def test_an_anonymised_copy_of_a_dead_mail_names_nobody(api: Api) -> None:
    _put_dead_letters(
        api, _fetched(1, mail=b"From: alice@wonderland.org\r\nSubject: Report Domain: wonderland.org\r\n\r\nhello")
    )
    [letter] = _letters(api)
    copy = api("GET", f"/dead-letters/{letter['id']}/anonymised")

    assert copy.status_code == 200
    assert copy.headers["Content-Type"] == "message/rfc822"
    assert copy.data.startswith(b"From: ")
    assert b"Subject: Report Domain: " in copy.data
    assert b"wonderland" not in copy.data
    assert api("GET", "/dead-letters/999999/anonymised").status_code == 404


def test_dead_letters_come_newest_first_page_by_page_and_by_reason(api: Api) -> None:
    _put_dead_letters(api, *(_fetched(uid) for uid in range(1, 8)))
    _put_dead_letters(api, _fetched(8, mailbox_id="other"), reason=Reason.CRASH_LOOP)
    assert [letter["id"] for letter in _letters(api)] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert [letter["id"] for letter in _letters(api, "?reason=crash_loop")] == [8]
    assert [letter["id"] for letter in _letters(api, "?mailbox_id=other")] == [8]
    first = api("GET", "/dead-letters?limit=3").json
    assert first is not None
    assert [letter["id"] for letter in _letters(api, f"?limit=9&cursor={first['next_cursor']}")] == [5, 4, 3, 2, 1]
    counts = api("GET", "/dead-letters/reasons").json
    assert counts is not None
    assert [(count["reason"], count["letters"]) for count in counts["items"]] == [("bug", 7), ("crash_loop", 1)]


def test_many_dead_letters_are_listed_over_more_than_one_look(api: Api) -> None:
    _put_dead_letters(api, *(_fetched(uid) for uid in range(1, 421)))
    first = api("GET", "/dead-letters?limit=410").json
    assert first is not None
    assert [letter["id"] for letter in first["items"]] == list(range(420, 10, -1))


def test_the_mail_itself_can_be_downloaded_wherever_it_is_kept(api: Api) -> None:
    large = MAIL + b"x" * INLINE_CARGO_BYTES

    async def checked_in() -> Envelope:
        return await api.backend.bus._check_in(_fetched(2, mail=large))

    _put_dead_letters(api, _fetched(1), api.backend.run(checked_in()))
    assert api("GET", "/dead-letters/1/mail").data == MAIL
    answer = api("GET", "/dead-letters/2/mail")
    assert answer.data == large
    assert answer.headers["Content-Disposition"] == "attachment; filename=dead-letter-2.eml"


def test_a_retried_letter_goes_on_its_way_as_another_attempt_and_is_gone(api: Api) -> None:
    _put_dead_letters(api, _fetched(1))
    assert api("POST", "/dead-letters/1/retry").status_code == 204
    [msg] = _on_its_way(api, "MAIL")
    envelope = decode(msg.headers or {}, msg.data or b"")
    assert isinstance(envelope.event, MailFetched)
    assert (envelope.event.take, envelope.cargo[0].data) == (1, MAIL)
    assert _letters(api) == []
    assert api("POST", "/dead-letters/1/retry").status_code == 404


def test_an_extracted_mail_goes_back_to_the_extractor_which_may_have_been_fixed(api: Api) -> None:
    died = extracted(1, "<feedback/>")
    _put_dead_letters(api, died)
    assert api("POST", "/dead-letters/1/retry").status_code == 204
    [msg] = _on_its_way(api, "MAIL")
    envelope = decode(msg.headers or {}, msg.data or b"")
    assert isinstance(envelope.event, MailFetched)
    assert isinstance(died.event, MailExtracted)
    assert (envelope.event.mail, envelope.event.take) == (died.event.mail, 1)
    assert [parcel.data for parcel in envelope.cargo] == [died.cargo[0].data]


def test_what_nobody_can_decode_is_sent_on_as_it_is(api: Api) -> None:
    strange = Wire("mail.fetched.box", {"Dmarq-Type": "of_a_later_version", "Nats-Msg-Id": "1"}, b"?")
    _put_dead_letters(api, wires=(strange,), reason=Reason.UNDECODABLE_EVENT)
    [letter] = _letters(api)
    assert (letter["event_type"], letter["mail_id"]) == ("of_a_later_version", None)
    assert api("GET", "/dead-letters/1/mail").status_code == 410
    assert api("POST", "/dead-letters/1/retry").status_code == 204
    [msg] = _on_its_way(api, "MAIL")
    assert (msg.data, (msg.headers or {})["Dmarq-Type"]) == (b"?", "of_a_later_version")
    assert not [name for name in msg.headers or {} if name.startswith("Dmarq-Dead")]


def test_all_of_a_reason_are_retried_and_the_others_stay(api: Api) -> None:
    _put_dead_letters(api, *(_fetched(uid) for uid in range(1, 4)))
    _put_dead_letters(api, _fetched(9), reason=Reason.CRASH_LOOP)
    assert api("POST", "/dead-letters/retry", {"reason": "bug"}).json == {"retried": 3, "complete": True}
    assert [letter["reason"] for letter in _letters(api)] == ["crash_loop"]
    assert len(_on_its_way(api, "MAIL")) == 3


def test_all_of_a_mailbox_are_retried_so_many_at_a_time_the_oldest_first(api: Api) -> None:
    _put_dead_letters(api, *(_fetched(uid) for uid in range(1, 4)), _fetched(4, mailbox_id="other"))
    wanted = DeadLetterFilter(mailbox_id="box")
    first = api.backend.run(retry_all(api.backend, wanted, at_most=2))
    assert (first.retried, first.complete) == (2, False)
    assert [letter["id"] for letter in _letters(api)] == [4, 3]
    assert api("POST", "/dead-letters/retry", {"mailbox_id": "box"}).json == {"retried": 1, "complete": True}
    assert [letter["mailbox_id"] for letter in _letters(api)] == ["other"]


def test_a_page_that_ends_for_having_looked_long_enough_says_where_to_go_on(api: Api) -> None:
    _put_dead_letters(api, _fetched(1, mailbox_id="other"), *(_fetched(uid) for uid in range(2, 6)))
    wanted = DeadLetterFilter(mailbox_id="other")
    page = api.backend.run(letters.find(api.backend.bus, wanted, limit=5, cursor=None, look_at=3))
    assert page.items == []
    assert page.next_cursor is not None
    rest = _letters(api, f"?mailbox_id=other&cursor={page.next_cursor}")
    assert [letter["id"] for letter in rest] == [1]


def test_a_discarded_letter_is_gone_with_the_bytes_it_kept(api: Api) -> None:
    async def checked_in() -> Envelope:
        return await api.backend.bus._check_in(_fetched(1, mail=MAIL + b"x" * INLINE_CARGO_BYTES))

    kept = api.backend.run(checked_in())
    _put_dead_letters(api, kept)
    assert api("DELETE", "/dead-letters/1").status_code == 204
    assert _letters(api) == []
    assert api("DELETE", "/dead-letters/1").status_code == 404
    _put_dead_letters(api, replace(kept, event=kept.event.model_copy(update={"take": 1})))
    assert api("GET", "/dead-letters/2/mail").status_code == 410


@pytest.mark.parametrize("number", ["0", "99", "99999999999999999999"])
def test_a_letter_that_is_not_there_is_not_found(api: Api, number: str) -> None:
    for method, path in (("GET", ""), ("GET", "/mail"), ("POST", "/retry"), ("DELETE", "")):
        assert api(method, f"/dead-letters/{number}{path}").status_code == 404


def _zipped(xml: str) -> bytes:
    return mail(part(zip_of(("receiver.example!example.com!1!2.xml", xml.encode())), name="report.zip"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"max_bytes": 20}, {"max_bytes": 10 * MiB}),
        ({"formats": ["xml"]}, {"formats": ["xml", "zip"]}),
    ],
    ids=["the size limit is raised", "a format is allowed again"],
)
def test_a_dead_letter_is_retried_under_the_settings_of_today(
    api: Api, before: dict[str, Any], after: dict[str, Any]
) -> None:
    mailbox = api.add_mailbox(id="box", attachments=before)
    handling = Handling(settings_version=mailbox["version"], attachments=AttachmentRules.model_validate(before))
    fetched = _fetched(1, mail=_zipped(report_xml()))
    _put_dead_letters(api, replace(fetched, event=fetched.event.model_copy(update={"handling": handling})))
    changed = api("PATCH", "/mailboxes/box", {"attachments": after}, headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text

    assert api("POST", "/dead-letters/1/retry").status_code == 204

    [msg] = _on_its_way(api, "MAIL")
    retried = decode(msg.headers or {}, msg.data or b"")
    store(api.backend, extract(retried, Limits()))
    assert isinstance(retried.event, MailFetched)
    trace = api("GET", f"/mails/{retried.event.mail.mail_id}").json
    assert trace is not None
    assert trace["mail"]["outcome"] == "imported"
    version = (changed.json or {})["version"]
    assert trace["mail"]["settings_version"] == version > mailbox["version"]
    assert f"under version {version} of the mailbox's settings" in str(trace["steps"])


def test_a_dead_letter_of_a_mailbox_that_was_removed_keeps_its_settings(api: Api) -> None:
    _put_dead_letters(api, _fetched(1))
    assert api("POST", "/dead-letters/1/retry").status_code == 204
    [msg] = _on_its_way(api, "MAIL")
    event = decode(msg.headers or {}, msg.data or b"").event
    assert isinstance(event, MailFetched)
    assert event.handling == Handling(settings_version=1)
