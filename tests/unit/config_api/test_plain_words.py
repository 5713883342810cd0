"""What pages say where the data itself is for programs."""

import pytest
from pydantic import ValidationError

from config_api.web import words
from config_api.web.formatting import listed
from pipeline.contracts.complaints import complaints
from pipeline.contracts.mailbox import MailboxSettings
from pipeline.sources.spoofing import spoofing


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("Report Domain: a.example Submitter: mail.example Report-ID: <1.2>", "mail.example about a.example"),
        ("report domain:a.example  submitter: mail.example  report-id: 7", "mail.example about a.example"),
        ("Your newsletter", "Your newsletter"),
        ("Report Domain: a.example", "Report Domain: a.example"),
        ("Report Domain: " + "a" * 100_000, "Report Domain: " + "a" * 100_000),
        ("", "(no subject)"),
        (None, "(no subject)"),
    ],
)
def test_the_subject_of_a_report_is_told_in_short(line: str | None, short: str) -> None:
    assert words.subject(line) == short


@pytest.mark.parametrize(
    ("name", "value", "what", "shown"),
    [
        ("begin", "1700000000", "First day", "14 Nov 2023"),
        ("end", "2023-11-14T00:00:00Z", "Last day", "2023-11-14T00:00:00Z"),
        ("end", "99999999999999", "Last day", "99999999999999"),
        ("begin", "١٧٠٠٠٠٠٠٠٠", "First day", "١٧٠٠٠٠٠٠٠٠"),
        ("records", "1700000000", "Complete records", "1700000000"),
        ("org_name", "Mail Example", "Reporter", "Mail Example"),
        ("something_new", "x", "Something new", "x"),
    ],
)
def test_what_was_seen_of_a_refused_document_reads_as_facts(name: str, value: str, what: str, shown: str) -> None:
    label, told = words.salvaged(name, value)
    assert (label, shown in str(told)) == (what, True)


def test_domains_are_listed_with_room_and_an_end() -> None:
    assert listed("a.example") == "a.example"
    assert listed("a.example,b.example,c.example") == "a.example, b.example, c.example"
    assert listed("a,b,c,d,e") == "a, b, c and 2 more"
    assert listed("") == ""


def test_one_is_not_told_in_the_plural() -> None:
    assert (
        "1 message (100.0%) from 1 address sent"
        in spoofing("x.example", messages=1, addresses=1, all_messages=1).evidence
    )
    assert "2 messages" in spoofing("x.example", messages=2, addresses=3, all_messages=9).evidence


def test_faults_of_settings_are_told_without_the_words_of_a_library() -> None:
    wrong = {
        "host": 5, "port": "x", "username": "", "prot": 1, "filters": [], "folders": "x", "enabled": "perhaps",
        "on_failed": {"action": "burn"}, "poll_interval_minutes": -1, "attachments": {"max_bytes": None},
    }  # fmt: skip
    with pytest.raises(ValidationError) as raised:
        MailboxSettings.model_validate(wrong)
    told = {each.field: each.text for each in complaints(raised.value, MailboxSettings)}
    assert set(told) >= {"host", "port", "username", "name", "prot", "folders", "enabled", "poll_interval_minutes"}
    assert not [text for text in told.values() if "nput" in text or "valid " in text or not text.endswith(".")], told
