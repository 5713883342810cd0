"""Whatever comes, a reader gives a report that can be stored, or refuses with a reason; nothing else ever."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parser.kinds.registry import read
from pipeline.contracts.mail import DocumentFormat
from pipeline.errors import Rejected
from tests.support.failures import NOTICE, arf
from tests.support.reports import report_xml, tls_tree
from tests.support.storable import assert_storable

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SEEDS = {
    DocumentFormat.XML: [report_xml().encode(), report_xml().encode("utf-16")],
    DocumentFormat.JSON: [json.dumps(tls_tree()).encode()],
    DocumentFormat.ARF: [arf().encode(), NOTICE.encode()],
}
FRAGMENTS = [
    *(b"<", b">", b"&", b"</", b"/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"\0", b"\xff", b"\x91", b"&#0;"),
    *(b"<record>", b"</record>", b"<row>", b"</feedback>", b"<feedback>", b"<x:y>", b"xmlns='a'", b"9" * 30, b"-1"),
    *(b"{", b"[", b'"', b"\\ud800", b"null", b"1e9", b"\n\n", b"\r", b": ", b"--b", b"Feedback-Type: abuse\n"),
    *(b"=?utf-8?b?", b"Content-Transfer-Encoding: base64\n"),
]
FIELDS = [
    "Example Receiver",
    "r-1",
    "1.0",
    "reject",
    "192.0.2.1",
    "<count>3",
    "pass",
    "s1",
    "mfrom",
    "softfail",
    "none",
]


@st.composite
def damaged(draw: st.DrawFn, format: DocumentFormat) -> bytes:
    """A valid document with a few pieces cut out, doubled or put in."""
    document = draw(st.sampled_from(SEEDS[format]))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(document)))
        end = draw(st.integers(start, min(len(document), start + 200)))
        piece = draw(
            st.sampled_from([b"", document[start:end] * 2]) | st.sampled_from(FRAGMENTS) | st.binary(max_size=9)
        )
        document = document[:start] + piece + document[end:]
    return document


def check(document: bytes, format: DocumentFormat) -> None:
    try:
        reading = read(gzip.compress(document, 1), format=format)
    except Rejected:
        return
    with reading:
        assert_storable(reading)


@pytest.mark.parametrize("format", DocumentFormat)
@QUICK
@given(data=st.data())
def test_a_damaged_document_is_read_or_refused(format: DocumentFormat, data: st.DataObject):
    check(data.draw(damaged(format)), format)


@pytest.mark.parametrize("format", DocumentFormat)
@QUICK
@given(document=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(format: DocumentFormat, document: bytes):
    check(document, format)


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes_in_place_of_a_gzip_are_refused(data: bytes):
    with pytest.raises(Rejected):
        read(data, format=DocumentFormat.XML)


@QUICK
@given(texts=st.lists(st.text(max_size=40), min_size=len(FIELDS), max_size=len(FIELDS)))
def test_any_text_may_stand_in_any_field(texts: list[str]):
    document = report_xml()
    for old, new in zip(FIELDS, texts, strict=True):
        document = document.replace(old, f"<count>{new}" if old.startswith("<") else new)

    check(document.encode(errors="surrogatepass"), DocumentFormat.XML)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@st.composite
def odd_tree(draw: st.DrawFn) -> Any:
    """A TLS report with any value in any place."""
    tree = tls_tree()
    policy = tree["policies"][0]
    place = draw(st.sampled_from([tree, policy, policy["policy"], policy["summary"], policy["failure-details"][0]]))
    place[draw(st.sampled_from(sorted(place)))] = draw(JSON)
    return tree


@QUICK
@given(tree=odd_tree())
def test_any_value_may_stand_in_any_place_of_a_tls_report(tree: Any):
    check(json.dumps(tree).encode(), DocumentFormat.JSON)
