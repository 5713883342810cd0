"""A document in the encoding that its label means, which is not always the one that Python calls so."""

import pytest

from parser.kinds.aggregate.encoding import Prologue, read_prologue
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.errors import Rejected
from tests.support.reports import read_xml, report_xml


@pytest.mark.parametrize(
    ("label", "codec", "name"),
    [
        ("Windows-31J", "cp932", "日本メール①"),
        ("x-sjis", "cp932", "日本メール"),
        ("ms_kanji", "cp932", "日本メール"),
        ("macintosh", "mac-roman", "Büro für Post"),
        ("x-mac-cyrillic", "mac-cyrillic", "Почта"),
        ("ks_c_5601-1987", "cp949", "메일"),
        ("unicode-1-1-utf-8", "utf-8", "Büro 日本"),
        ("iso-ir-58", "gbk", "邮件"),
        ("cp866", "cp866", "Почта"),
        ("cp850", "cp850", "Büro"),
        ("IBM437", "cp437", "Büro"),
        ("ibm852", "cp852", "Pošta"),
        ("dos-874", "cp874", "ไปรษณีย์"),
        ("csisolatin2", "iso-8859-2", "Pošta"),
        ("iso_8859-5:1988", "iso-8859-5", "Почта"),
        ("Shift_JIS", "shift_jis", "日本メール"),
        ("EUC-JP", "euc-jp", "日本メール"),
    ],
)
def test_a_label_means_what_browsers_take_it_for(label: str, codec: str, name: str) -> None:
    document = report_xml().replace('encoding="UTF-8"', f'encoding="{label}"').replace("Example Receiver", name)

    report, _ = read_xml(document.encode(codec))

    assert (report.org_name, report.repairs) == (name, ())


@pytest.mark.parametrize("label", ["x-user-defined", "replacement", "hz-gb-2312", "no-such-thing", "rot13", "utf-16"])
def test_a_label_that_means_nothing_stands_for_utf_8(label: str) -> None:
    document = report_xml().replace('encoding="UTF-8"', f'encoding="{label}"').replace("Example Receiver", "Büro")

    report, _ = read_xml(document.encode())

    assert report.org_name == "Büro"
    assert Repair.RE_ENCODED not in report.repairs


@pytest.mark.parametrize(
    "head",
    [
        b"<feedback>",
        b' \r\n<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
        b'<?xml version="1.0"?>\n<feedback>',
        b"<?xml version='1.0' encoding='utf-8' ?><feedback/>",
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a remark --><feedback>',
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><d:feedback>',
        b'\xef\xbb\xbf<?xml version="1.0"?><feedback>',
    ],
)
def test_a_report_that_begins_in_an_ordinary_way_is_read_in_a_stream(head: bytes) -> None:
    assert read_prologue(head) == Prologue("feedback", is_streamable=True)


@pytest.mark.parametrize(
    ("head", "root"),
    [(b'<?xml version="1.0" encoding="UTF-8"?><feedbacks>', "feedbacks"), (b"junk <feedback>", None)],
)
def test_what_only_looks_like_a_report_is_none(head: bytes, root: str | None) -> None:
    assert not read_prologue(head).is_feedback
    assert read_prologue(head).root == root


def test_a_doctype_before_the_root_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        read_prologue(b'<?xml version="1.0"?><!DOCTYPE feedback><feedback>')
    assert refused.value.reason is Reason.DOCTYPE_REFUSED
