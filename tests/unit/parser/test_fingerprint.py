"""The fingerprint: one for a report that is sent again, another for a correction."""

import pytest

from tests.support.reports import DECLARATION, POLICY, RECORD, changed, read_tls, read_xml, report_xml, tls_tree

PLAIN = read_xml(report_xml())[0].fingerprint


@pytest.mark.parametrize(
    "again",
    [
        report_xml().replace("><", ">\n  <"),
        report_xml().removeprefix(DECLARATION),
        report_xml().replace("<feedback>", '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">'),
        report_xml().replace("<row>", "<row><!-- a remark -->"),
        changed("<source_ip>192.0.2.1</source_ip><count>3</count>", "<count>3</count><source_ip>192.0.2.1</source_ip>"),
        f"<feedback>{RECORD}{POLICY}{report_xml().split('<version>1.0</version>')[1].split(POLICY)[0]}</feedback>",
        report_xml().encode("utf-16"),
    ],
)
def test_a_report_that_is_sent_again_has_the_same_fingerprint(again):
    assert read_xml(again)[0].fingerprint == PLAIN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<count>3", "<count>4"),
        ("192.0.2.1", "192.0.2.2"),
        ("<disposition>none", "<disposition>reject"),
        ("softfail", "fail"),
        ("<p>reject", "<p>none"),
        ("r-1", "r-2"),
        ("</record>", f"</record>{RECORD}"),
    ],
)
def test_a_correction_has_another_fingerprint(old, new):
    assert read_xml(changed(old, new))[0].fingerprint != PLAIN


def test_a_tls_report_has_a_fingerprint_of_its_values():
    tree = tls_tree()
    again = dict(reversed(list(tree.items())))
    plain = read_tls(tree).fingerprint

    tree["policies"][0]["summary"]["total-failure-session-count"] = 3

    assert read_tls(again | {"policies": tls_tree()["policies"]}).fingerprint == plain
    assert read_tls(tree).fingerprint != plain
