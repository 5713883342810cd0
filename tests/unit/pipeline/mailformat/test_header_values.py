"""The values of header fields as strangers write them, honest ones first."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from pipeline.mailformat.addresses import Address, addresses
from pipeline.mailformat.charsets import decoded
from pipeline.mailformat.dates import moment
from pipeline.mailformat.fields import Fields, header_of
from pipeline.mailformat.parameters import parameters
from pipeline.mailformat.words import decoded_words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@example.com", [("", "a@example.com")]),
        ('"Reports, DMARC" <a@example.com>', [("Reports, DMARC", "a@example.com")]),
        ("=?utf-8?q?M=C3=BC?= =?utf-8?q?ll?= <a@b>", [("Müll", "a@b")]),
        ('"a@a.example" <x@b.example>', [("a@a.example", "x@b.example")]),
        ("a@a.example <x@b.example>", [("a@a.example", "x@b.example")]),
        ("a@b, C D <c@d>", [("", "a@b"), ("C D", "c@d")]),
        ("Group: a@b, C <c@d>;, e@f", [("", "a@b"), ("C", "c@d"), ("", "e@f")]),
        ("Undisclosed recipients:;", []),
        ("a@b (A (and more) B)", [("A (and more) B", "a@b")]),
        ("a (x@y) <a@b>", [("a", "a@b")]),
        ('"a b"@c', [("", '"a b"@c')]),
        ('"say \\"hi\\"" <a@b>', [('say "hi"', "a@b")]),
        ("a . b @ c . d", [("", "a.b@c.d")]),
        ("<@relay.example,@other.example:a@b>", [("", "a@b")]),
        ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
        ("John a@b", [("John", "a@b")]),
        ("broken <a@b", [("broken", "a@b")]),
        ('"never closed <a@b>', []),
        ("(never closed a@b", []),
        ("MAILER-DAEMON", []),
        ("<>", []),
        ("", []),
    ],
)
def test_addresses_are_found_with_their_names(text: str, found: list[tuple[str, str]]) -> None:
    assert addresses(text) == [Address(*each) for each in found]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a_b?= =?utf-8?b?IGM=?=", "a b c"),
        ("=?utf-8?q?a?= \t =?latin1?Q?=E4?=", "aä"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),  # one character in two words
        ("=?iso-8859-1*de?q?=E4?=", "ä"),
        ("=?utf-8?q?why?not?=", "why?not"),
        ("=?utf-8?b?w7w?=", "ü"),  # without its padding
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("=?utf-8?b?ü?=", "=?utf-8?b?ü?="),
        ("=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        ("=?unknown?q?caf=E9?=", "café"),
        ("€ =?utf-8?q?=E2=82=AC?=", "€ €"),
        ("a=?utf-8?q??=b", "ab"),
    ],
)
def test_encoded_words_are_decoded_and_broken_ones_stay(text: str, shown: str) -> None:
    assert decoded_words(text) == shown


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "undefined", "utf-7", "unicode_escape", "hex", "rot13", "../os", "x" * 9999, "ü"]
)
def test_a_strange_charset_gives_text_that_can_be_stored(charset: str) -> None:
    assert decoded(b"report +2AA- \\ud800 \xe9", charset).encode("utf-8")


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "Latin-1", "iso-8859-15", "windows-1252", "koi8-r", "gb2312"])
def test_honest_charsets_are_known(charset: str) -> None:
    assert decoded("a".encode(charset), charset) == "a"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('x; boundary="a;b=c\\"d"; n=1; n=2', {"boundary": 'a;b=c"d', "n": "1"}),
        ("x; name*=utf-8'en'caf%C3%A9", {"name": "café"}),
        ("x; name*0*=utf-8''a%20; name*1=b; name*2*=%63", {"name": "a bc"}),
        ("x; name*1=b; name*0=a", {"name": "ab"}),
        ("x; name*0=a; name*2=c", {"name": "a"}),  # a section is missing
        ("x; name*1=b", {}),
        ("x; name=plain; name*=utf-8''other", {"name": "plain"}),
        ("x; name*0*=no quotes", {"name": "no quotes"}),
        ("x; name*99999999999=a; y=1", {"y": "1"}),
        ('x; open="never closed; y=1', {"open": "never closed; y=1"}),
        ("x", {}),
    ],
)
def test_parameters_are_put_together(text: str, found: dict[str, str]) -> None:
    assert parameters(text) == found


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Wed, 12 Feb 2025 15:59:59 -0800", datetime(2025, 2, 12, 23, 59, 59, tzinfo=UTC)),
        ("12 Feb 2025 15:59:59", datetime(2025, 2, 12, 15, 59, 59, tzinfo=UTC)),
        ("Wed, 12 Feb 25 15:59 GMT", datetime(2025, 2, 12, 15, 59, tzinfo=UTC)),
        ("Wed, 12 Feb 2025 15:59:59 +0000 (UTC)", datetime(2025, 2, 12, 15, 59, 59, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("12 Feb " + "9" * 5000 + " 15:59:59", None),
        ("(" * 100_000, None),
        ("", None),
    ],
)
def test_a_date_is_utc_or_nothing(text: str, when: datetime | None) -> None:
    assert moment(text) == when


def test_of_two_fields_with_one_name_the_first_counts_and_both_are_given() -> None:
    fields = Fields(b"From: a@b\r\nSUBJECT: x\r\n y\r\nFrom : c@d\r\n")

    assert (fields.text("from"), fields.texts("from"), fields.text("subject")) == ("a@b", ["a@b", "c@d"], "x y")


def test_a_header_ends_at_the_first_empty_line() -> None:
    assert header_of(b"\r\n\r\nA: b\r\n c\r\n\r\nbody\r\n\r\n") == b"A: b\r\n c"
    assert header_of(b"A: b") == b"A: b"


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 02 Nov 2026 00:10:00 +0000",
        "Tue, 2 Nov 2026 23:59:59 -0730",
        "Wed, 31 Dec 2025 23:30:00 -0100 (PDT)",
        "Thu, 29 Feb 2024 12:00:00 +1400",
        "Fri, 01 Jan 1999 00:00:00 -0000",
        "Sat, 01 Jan 0049 00:00:00 +0000",
        "Sun, 01 Nov 2026 00:00:00 +2359",
    ],
)
def test_an_ordinary_date_is_the_one_that_the_standard_library_reads(text: str) -> None:
    read = parsedate_to_datetime(text)
    assert moment(text) == (read if read.tzinfo else read.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 31 Nov 2026 00:10:00 +0000",
        "Mon, 02 Nov 2026 25:10:00 +0000",
        "Mon, 02 Nov 2026 00:10:00 +2400",
        "Mon, 01 Jan 9999 23:00:00 -9959",
    ],
)
def test_a_date_that_cannot_be_is_none(text: str) -> None:
    assert moment(text) is None


def test_a_parameter_in_quotes_keeps_what_was_escaped() -> None:
    assert parameters(r'x; name="a\"b\\c"; other="; last') == {"name": 'a"b\\c', "other": "; last"}
