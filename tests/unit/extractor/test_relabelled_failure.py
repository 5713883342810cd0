"""A failure report is known by what its parts say, not by their labels."""

from base64 import encodebytes

import pytest

from extractor.failure import is_feedback
from extractor.find import find_in_mail
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.mailbox import AttachmentRules
from tests.support.failures import FIELDS, SAMPLE


def mail_with(feedback: str, *, label: str, encoding: str = "7bit") -> bytes:
    return f"""From: postmaster@receiver.example
To: ruf@example.com
Subject: FW: report
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Please see what is attached.
--b
Content-Type: {label}
Content-Transfer-Encoding: {encoding}

{feedback}
--b
Content-Type: message/rfc822

{SAMPLE}
--b--
""".encode()


def formats_in(mail: bytes) -> list[DocumentFormat]:
    found = find_in_mail(mail, rules=AttachmentRules(), limits=Limits())
    return [document.format for document in found.documents]


@pytest.mark.parametrize(
    "label", ['text/plain; name="ATT00001.txt"', "text/plain", "application/octet-stream", "text/x-report; name=a.dat"]
)
def test_a_feedback_part_under_another_label_makes_a_failure_report(label: str) -> None:
    assert formats_in(mail_with(FIELDS, label=label)) == [DocumentFormat.ARF]


def test_so_does_one_that_was_encoded() -> None:
    encoded = encodebytes(FIELDS.encode()).decode()

    assert formats_in(mail_with(encoded, label="application/octet-stream", encoding="base64")) == [DocumentFormat.ARF]


def test_so_does_one_in_utf_16() -> None:
    encoded = encodebytes(FIELDS.encode("utf-16")).decode()

    assert formats_in(mail_with(encoded, label="text/plain; charset=utf-16", encoding="base64")) == [DocumentFormat.ARF]


@pytest.mark.parametrize(
    "text",
    [
        "We had a Feedback-Type: auth-failure\nVersion: 1\nin our log.",
        "Hello,\n\nFeedback-Type: abuse\nVersion: 1\n",
        "Feedback-Type: please tell us what you think\n\nVersion: 1\n",
        "Version: 1\nUser-Agent: Browser/1.0\n",
        "Subject: hello\n\nFeedback-Type: abuse\nUser-Agent: x\n",
        "",
        "x" * 100_000,
        "a: b\n" * 100_000,
    ],
)
def test_a_text_that_only_speaks_of_one_is_none(text: str) -> None:
    assert not is_feedback(text.encode())
    assert formats_in(mail_with(text, label="text/plain")) == []


@pytest.mark.parametrize(
    "text",
    [
        FIELDS,
        FIELDS.replace("\n", "\r\n"),
        "\r\n" + FIELDS,
        "Version: 1\nFEEDBACK-TYPE : abuse\n",
        "\ufeffFeedback-Type: abuse\nUser-Agent: a\n b\n\n",
        "Feedback-Type: abuse\nVersion: 1",
    ],
)
def test_its_fields_may_stand_in_any_order_and_form(text: str) -> None:
    assert is_feedback(text.encode())
