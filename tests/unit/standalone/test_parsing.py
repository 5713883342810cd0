"""`dmarq parse`: one file's error is its own."""

from typing import cast

from dmarq.inputs import Input
from dmarq.parsing import lines_of
from pipeline.contracts.limits import Limits
from tests.support.reports import report_xml


def test_a_file_that_ends_in_an_error_has_a_line_and_the_next_is_read() -> None:
    broken = Input("broken", cast(bytes, None))  # no file is like that: a stand-in for any error of ours
    files = [broken, Input("good", report_xml().encode())]

    lines = [line for file in files for line in lines_of(file, limits=Limits(), is_full=False)]

    assert [(line["file"], line["outcome"], line["reason"]) for line in lines] == [
        ("broken", "refused", "bug"),
        ("good", "valid", None),
    ]
    assert lines[0]["error"].startswith("TypeError")


def test_a_mail_with_very_many_parentheses_is_a_mail_like_any_other() -> None:
    mail = b"From: " + b"(" * 1000 + b"a@b\r\nSubject: x\r\n\r\nwords\r\n"

    (line,) = lines_of(Input("a.eml", mail), limits=Limits(), is_full=False)

    assert line["outcome"] == "not_a_report"
