from typing import Any

import pytest

from config_api.reports.checks import dkim_checks, spf_checks
from config_api.reports.records import RecordRow


def row(**given: Any) -> RecordRow:
    empty = dict.fromkeys(RecordRow.model_fields)
    return RecordRow.model_validate({**empty, "position": 0, "count": 1, "header_from": "example.com", **given})


@pytest.mark.parametrize(
    ("result", "mode", "text", "tone"),
    [
        ({"domain": "example.com", "selector": "s1", "result": "pass"}, "r",
         "Signed by example.com (selector s1), which is aligned", "good"),
        ({"domain": "news.example.com", "result": "pass"}, None,
         "Signed by news.example.com, which is aligned", "good"),
        ({"domain": "news.example.com", "result": "pass"}, "s",
         "Signed by news.example.com, which is not exactly example.com", "warn"),
        ({"domain": "mailer.example", "result": "pass"}, "r",
         "Signed by mailer.example, which is not your domain", "warn"),
        ({"domain": "example.com", "result": "fail"}, "r", "Signed by example.com: the signature is not valid", "bad"),
        ({"result": "temperror"}, "r", "Signed by an unnamed domain: could not be looked up (temperror)", "bad"),
        ({"domain": 7, "result": ["pass"]}, "r", "Signed by an unnamed domain: no result", "bad"),
    ],
)  # fmt: skip
def test_a_signature_is_told_with_its_result_and_its_alignment(
    result: dict[str, Any], mode: str | None, text: str, tone: str
) -> None:
    [check] = dkim_checks(row(dkim_results=[result]), mode=mode)
    assert (check.text, check.tone) == (text, tone)


@pytest.mark.parametrize(
    ("result", "text", "tone"),
    [
        ({"domain": "bounce.example.com", "scope": "mfrom", "result": "pass"},
         "Sent for bounce.example.com, which is aligned", "good"),
        ({"domain": "mailer.example", "scope": "helo", "result": "pass"},
         "Sent for mailer.example (HELO), which is not your domain", "warn"),
        ({"domain": "example.com", "result": "softfail"},
         "example.com: does not expect this server (softfail)", "bad"),
        ({"domain": "example.com", "result": "fail"}, "example.com: does not allow this server", "bad"),
    ],
)  # fmt: skip
def test_a_result_of_spf_is_told_with_its_alignment(result: dict[str, Any], text: str, tone: str) -> None:
    [check] = spf_checks(row(spf_results=[result]), mode="r")
    assert (check.text, check.tone) == (text, tone)


def test_what_was_not_checked_is_said() -> None:
    assert [check.text for check in dkim_checks(row(), mode=None)] == ["No signature"]
    assert [check.text for check in spf_checks(row(spf_results=[]), mode=None)] == ["Not checked"]
