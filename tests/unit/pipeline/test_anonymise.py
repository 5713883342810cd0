"""An anonymised copy tells what is odd about a report and not whose it is."""

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dmarq.__main__ import dmarq
from pipeline.anonymise import anonymised
from tests.support.archives import gzip_bomb, signed_in_ber, uuencoded, zip_of
from tests.support.finding import contents, search, search_file
from tests.support.mails import failure_mail, mail, part, text

KEY = b"a key for tests"
SECRETS = (b"acme-holding", b"203.0.113.77", b"2001:db8:aa::77", b"87654321", b"wonderland", b"alice", b"555")
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<feedback><report_metadata><org_name>Acme-Holding</org_name><email>alice@acme-holding.com</email>
<extra_contact_info>https://acme-holding.com/~alice?tel=87654321</extra_contact_info>
<report_id>x87654321.wonderland</report_id><date_range><begin>1739318400</begin><end>1739404799</end></date_range>
</report_metadata><policy_published><domain>acme-holding.com</domain><p>none</p><pct>100</pct></policy_published>
<record><row><source_ip>203.0.113.77</source_ip><count>555</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>acme-holding.com</header_from>
</identifiers><auth_results><dkim><domain>acme-holding.com</domain><selector>wonderland</selector><result>pass</result>
</dkim><spf><domain>acme-holding.com</domain><result>fail</result></spf></auth_results></record>
<record><row><source_ip>2001:db8:aa::77</source_ip><count>555</count><policy_evaluated/></row></record></feedback>
"""
MAIL = mail(
    text("Dear Alice of Acme-Holding,\nyour number is 87654321, ask Wonderland at 203.0.113.77."),
    part(gzip.compress(XML), "application/gzip", name="acme-holding.com!x!1739318400!1739404799.xml.gz"),
    part(zip_of(("acme-holding.xml", XML)), "application/zip"),
    part(XML, "text/xml", encoding="base64"),
    part(uuencoded(gzip.compress(XML)), "text/plain", encoding=""),
    subject="Report Domain: acme-holding.com Submitter: wonderland Report-ID: <x87654321.wonderland>",
    headers=("X-From: =?utf-8?B?" + base64.b64encode(b"Alice of Wonderland").decode() + "?= <alice@wonderland.org>",),
)


def _everything(data: bytes) -> bytes:
    found = search(data)
    return b"".join((data, *contents(found), repr(found.lines).encode())).lower()


def test_no_name_address_or_number_is_left_at_any_depth() -> None:
    assert [secret for secret in SECRETS if secret not in _everything(MAIL)] == []
    copy = anonymised(MAIL, key=KEY)

    assert len(search(copy).documents) == len(search(MAIL).documents) == 4
    assert [secret for secret in SECRETS if secret in _everything(copy)] == []


def test_a_text_keeps_its_length_its_markup_and_its_dates() -> None:
    copy = anonymised(XML, key=KEY)

    assert len(copy) == len(XML)
    assert b"<begin>1739318400</begin>" in copy
    assert copy.count(b"<policy_evaluated") == 2
    assert b"<result>pass</result>" in copy
    assert b"<pct>100</pct>" in copy


def test_the_same_is_replaced_by_the_same_in_one_copy_and_by_something_else_in_the_next() -> None:
    domain = anonymised(XML).partition(b"<domain>")[2].partition(b"<")[0]
    again = anonymised(XML).partition(b"<domain>")[2].partition(b"<")[0]
    copy = anonymised(XML, key=KEY)

    assert copy.count(copy.partition(b"<header_from>")[2].partition(b"<")[0]) == 6  # wherever the domain stood
    assert domain != again


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        (b"<domain>acme-holding.com;</domain>", b";</domain>"),
        (b"<source_ip>IPv6:[203.0.113.77]</source_ip>", b"]</source_ip>"),
        (b"<p>none</P>", b"<p>none</P>"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><feedback>", b"\xef\xbb\xbf<?xml version='1.0'?><feedback>"),
        (b"<count>1e3</count>", b"</count>"),
        (b"<a>&amp;&nbsp;\x00\x0b", b"&amp;&nbsp;\x00\x0b"),
    ],
)
def test_what_is_odd_stays(odd: bytes, kept: bytes) -> None:
    assert kept in anonymised(odd, key=KEY)
    assert len(anonymised(odd, key=KEY)) == len(odd)


@pytest.mark.parametrize(
    "odd",
    [
        b"Microsoft Mail Internet Headers Version 2.0\r\n" + MAIL,
        MAIL.replace(b"\r\n", b"\n"),
        MAIL.decode().encode("utf-16"),
        MAIL.decode().encode("utf-16-be"),
        mail(part(base64.encodebytes(gzip.compress(XML)))),
        mail(part(zlib.compress(XML), "application/gzip", name="r.gz")),
        failure_mail(),
    ],
    ids=["junk", "line feeds", "utf-16", "utf-16-be", "base64 twice", "zlib", "failure report"],
)
def test_the_copy_of_an_odd_mail_is_as_odd(odd: bytes) -> None:
    before, after = search(odd), search(anonymised(odd, key=KEY))

    assert [(line.path.count("/"), line.outcome, line.reason, line.repairs) for line in before.lines] == [
        (line.path.count("/"), line.outcome, line.reason, line.repairs) for line in after.lines
    ]


@pytest.mark.parametrize("cut", [40, 200, 300])
def test_a_gzip_that_was_cut_is_cut_in_the_copy(cut: int) -> None:
    odd = gzip.compress(XML)[:cut]

    assert [line.reason for line in search_file(anonymised(odd)).lines] == [
        line.reason for line in search_file(odd).lines
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 9 + SECRETS[0] * 9,
        signed_in_ber(XML),
        b"PK\x03\x04" + bytes(40) + SECRETS[0],
    ],
    ids=["picture", "signed", "broken zip"],
)
def test_what_cannot_be_unwrapped_is_blanked(data: bytes) -> None:
    copy = anonymised(data)

    assert (len(copy), copy[:8]) == (len(data), data[:8])
    assert not any(secret in copy.lower() for secret in SECRETS)


def test_a_bomb_is_blanked() -> None:
    assert len(anonymised(gzip_bomb(30_000_000))) < 100_000


@given(st.binary(max_size=300))
def test_any_bytes_have_a_copy(data: bytes) -> None:
    assert isinstance(anonymised(data), bytes)


@given(st.text(max_size=200))
def test_the_copy_of_any_text_is_as_long(words: str) -> None:
    data = words.replace("=", "").encode("utf-8", "replace")
    is_text = not data.startswith((b"\x1f\x8b", b"PK", b"x")) and b"\x00" not in data

    assert not is_text or len(anonymised(data)) == len(data)


def test_the_command_writes_the_copy_to_a_file_or_to_the_terminal(tmp_path: Path) -> None:
    source, target = tmp_path / "odd.eml", tmp_path / "copy.eml"
    source.write_bytes(MAIL)
    shown = CliRunner().invoke(dmarq, ["anonymise", str(source)])
    CliRunner().invoke(dmarq, ["anonymise", str(source), "-o", str(target)])

    assert shown.exit_code == 0
    assert b"acme-holding" not in shown.stdout_bytes
    assert len(search(target.read_bytes()).documents) == 4


_NAME = "\u0418\u0432\u0430\u043d Alice"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("".join(f"={octet:02X}" for octet in _NAME.encode()), lambda data: binascii.a2b_qp(data).decode()),
        ("".join(f"%{octet:02x}" for octet in _NAME.encode()), lambda data: unquote(data.decode())),
        ("".join(f"&#{ord(c)};" for c in _NAME), lambda data: unescape(data.decode())),
        ("".join(f"&#x{ord(c):04X};" for c in _NAME), lambda data: unescape(data.decode())),
        ("".join(f"\\u{ord(c):04x}" for c in _NAME), lambda data: json.loads(data.decode())),
    ],
    ids=["quoted-printable", "url", "decimal", "hexadecimal", "json"],
)
def test_a_name_written_in_numbers_is_another_name_in_the_same_form(written: str, read: Callable[[bytes], str]) -> None:
    copy = read(anonymised(f'"{written}"'.encode(), key=KEY)).strip('"')

    assert len(copy) == len(_NAME)
    assert copy[4] == " "
    assert not any(one == other for one, other in zip(copy, _NAME, strict=True) if other != " ")
