"""Whole mails through the pure parts of all three services, with little stack: bytes, damage and attacks.

What is slower than linear runs into the time limit; what is recursive about its input has no stack to be so.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attack.content import HEADERS
from tests.support.failures import NOTICE, arf
from tests.support.mails import aggregate_xml, failure_mail, mail, part, text
from tests.support.pure_parts import through_all_services

SEEDS = (
    arf().encode(),
    NOTICE.encode(),
    failure_mail(),
    mail(text(), part(aggregate_xml(records=2), "text/xml", name="r.xml")),
    mail(part(mail(part(aggregate_xml(), "text/xml"), boundary="b"), "message/rfc822", encoding="")),
)
PIECES = (
    *(b"(", b")", b"<", b">", b'"', b"\\", b",", b";", b":", b"@", b"=?utf-8?q?a?= ", b"=?utf-8?b?", b"?=", b"; a*0=b"),
    *(b"\r\n", b"\r\n ", b"\n\n", b"--b\r\n", b"--b--\r\n", b"From: a@b\r\n", b"Content-Type: multipart/mixed\r\n"),
    *(b"Content-Type: message/rfc822\r\n\r\n", b"Feedback-Type: abuse\r\n", b"\0", b"\xff", b"\x85", b"9", b"a" * 80),
    *(b"Sender Domain: a\n", b"-" * 10 + b"This is a copy of the headers", b"from IP 1 on ", b"From a 00:00 2024\n"),
)
FIELDS = (b"From", b"Subject", b"Date", b"Content-Type", b"Content-Disposition", b"Message-ID", b"Received", b"X")
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nested(levels: int) -> bytes:
    """Multiparts in multiparts."""
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (n, n) for n in range(levels))
    return b"From: a@b\r\n" + opening + b"\r\nwords\r\n"


@st.composite
def hostile_mail(draw: st.DrawFn) -> bytes:
    """A mail with pieces put in, repeated up to some kilobytes, in its header or anywhere."""
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        piece = draw(st.sampled_from(PIECES)) * draw(st.sampled_from((1, 2, 50, 1000)))
        if draw(st.booleans()):
            raw = draw(st.sampled_from(FIELDS)) + b": " + piece + b"\r\n" + raw
        else:
            at = draw(st.integers(0, len(raw)))
            raw = raw[:at] + piece + raw[at + draw(st.integers(0, 20)) :]
    return raw


@QUICK
@given(hostile_mail())
def test_a_mail_with_anything_in_it_is_read_or_refused_by_every_service(raw: bytes) -> None:
    through_all_services(raw)


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_every_service(raw: bytes) -> None:
    through_all_services(raw)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HEADERS)
def test_a_header_made_to_cost_time_or_stack_costs_little_in_every_service(name: str) -> None:
    through_all_services(HEADERS[name]() + b"\r\n\r\nwords\r\n")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("place", ["header", "body", "feedback"])
def test_a_piece_repeated_to_a_megabyte_costs_little_in_every_service(piece: bytes, place: str) -> None:
    run = piece * (1_000_000 // len(piece))
    feedback = arf(fields="Feedback-Type: abuse\nX: ").encode().replace(b"X: ", b"X: " + run)
    through_all_services(
        {
            "header": b"X: a\r\nFrom: " + run + b"\r\n\r\nwords",
            "body": b"From: a@b\r\n\r\n" + run,
            "feedback": feedback,
        }[place]
    )


@pytest.mark.timeout(30)
def test_multiparts_in_multiparts_are_not_followed_for_ever() -> None:
    through_all_services(nested(5000))
