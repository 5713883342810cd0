"""Whatever the bytes are, the search ends, gives every part a line, and its documents are what they say."""

import base64
import gzip
import hashlib
import zlib
from email.message import EmailMessage

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.decode import decode
from extractor.findings import Findings
from extractor.mime import leaves, top
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import LineOutcome
from tests.support.archives import signed_in_ber, streamed_zip, uuencoded, zip_of
from tests.support.finding import contents, search, search_file
from tests.support.mails import aggregate_xml, failure_mail, mail, part, single, text

XML = aggregate_xml(records=3)
GZ = gzip.compress(XML, mtime=0)
LIMITS = Limits(max_uncompressed_bytes=2_000_000, max_members=20, max_parts=20)
SAMPLES = (
    GZ,
    gzip.compress(GZ) + b"\r\n",
    zip_of(("a.xml", XML), ("b.xml.gz", GZ)),
    streamed_zip("a.xml", XML),
    mail(text(), part(GZ, "application/gzip", name="r.gz"), part(zip_of(("a.xml", XML)))),
    mail(part(mail(part(XML, "text/xml"), boundary="b"), "message/rfc822", encoding="")),
    failure_mail(),
    b"From: a@example.com\r\nSubject: b\r\n\r\n" + uuencoded(GZ) + uuencoded(GZ, "b.gz", mode="0 "),
    part(signed_in_ber(part(GZ, "application/gzip", name="r.gz")), "application/pkcs7-mime"),
    zlib.compress(XML),
    zip_of(("a.xml", XML)) + zip_of(("b.xml", XML)),
    base64.encodebytes(base64.encodebytes(GZ)),
    b"1000\n" + mail(part(GZ), kind="multipart/digest") + b"<?xml version='1.0'?><plist version='1.0'/>",
    mail(part(GZ)).decode().encode("utf-16"),
)


def _check(found: Findings) -> None:
    for document, blob in zip(found.documents, found.blobs, strict=True):
        data = gzip.decompress(blob)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (document.size, document.sha256)
    assert len(found.documents) == sum(line.outcome is LineOutcome.DOCUMENT for line in found.lines)
    for line in found.lines:
        assert line.model_dump_json()
    assert found.subject.isprintable()


@given(st.binary(max_size=400))
def test_any_bytes_can_be_searched(data: bytes) -> None:
    _check(search(data, limits=LIMITS))
    _check(search_file(data, limits=LIMITS))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SAMPLES), st.data())
def test_any_damage_can_be_searched(sample: bytes, data: st.DataObject) -> None:
    bent = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(len(bent) - 1, 0)))
        bent[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    _check(search(bytes(bent), limits=LIMITS))
    _check(search_file(bytes(bent), "x.eml", limits=LIMITS))


@given(st.sampled_from(SAMPLES), st.floats(0, 1))
def test_any_cut_can_be_searched(sample: bytes, share: float) -> None:
    _check(search_file(sample[: int(len(sample) * share)], limits=LIMITS))


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_what_a_library_writes_is_read_back_leaf_by_leaf(attachments: list[bytes]) -> None:
    written = EmailMessage()
    written["Subject"] = "anything"
    written.set_content("words\n")
    for data in attachments:
        written.add_attachment(data, maintype="application", subtype="octet-stream")
    raw = written.as_bytes()
    read = [decode(raw[leaf.start : leaf.end], leaf.fields.encoding)[0] for leaf in leaves(raw, top(raw))]

    assert read[1:] == attachments
    assert read[0].strip() == b"words"


@given(st.lists(st.integers(0, 8), min_size=1, max_size=2))
def test_a_report_is_found_however_deep_it_is_wrapped(wrappings: list[int]) -> None:
    data = XML
    for number, way in enumerate(wrappings):
        data = (
            zlib.compress(data),
            base64.encodebytes(data),
            mail(part(uuencoded(data), "text/plain", encoding=""), boundary=f"b{number}"),
            single(part(signed_in_ber(part(data, name="x")), "application/pkcs7-mime")),
            gzip.compress(data),
            zip_of(("x", data)),
            streamed_zip("x", data),
            gzip.compress(data) + b"\n",
            mail(part(data), boundary=f"b{number}"),
        )[way]

    assert contents(search_file(data)) == [XML]


@given(st.binary(max_size=60), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "", "x-unknown"]))
def test_any_body_decodes_under_any_encoding(body: bytes, encoding: str) -> None:
    assert isinstance(decode(body, encoding)[0], bytes)
