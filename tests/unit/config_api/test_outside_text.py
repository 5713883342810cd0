"""Text from outside in places where it could do harm: spreadsheets, file names, redirects, Host headers."""

from datetime import UTC, datetime

import pytest

from config_api.access.sign_in import safe_next
from config_api.reports.documents import safe_name
from config_api.site.security import is_own_host
from config_api.web.problem import FieldError
from config_api.web.table import cell, csv_text


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "|", "%", " =", "  @", "\u200b=", "\0+", "\t ="]
)
def test_no_cell_is_a_formula(start: str) -> None:
    assert cell(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("sign", "=+-@")
def test_a_full_width_sign_makes_no_formula_either(sign: str) -> None:
    wide = chr(ord(sign) + 0xFEE0)
    assert cell(f"{wide}SUM(A1)") == f"'{wide}SUM(A1)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (0, "0"), (-5, "-5"), (True, "True"), ("a=b", "a=b"), (["=x", "y"], "'=x; y"),
        ([{"type": "forwarded", "comment": None}, {"type": "other", "comment": "a b"}],
         "type=forwarded; type=other comment=a b"),
        ({"=x": [1, 2]}, "'=x=1 2"), ({}, ""),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_a_cell_shows_its_value(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_quotes_and_line_breaks_stay_inside_their_cell() -> None:
    assert csv_text(("field", "text"), [FieldError(field='a"b', text="c\nd,e")]) == '"a""b","c\nd,e"\r\n'


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("google.com!example.com!1!2.xml.gz", "google.com!example.com!1!2.xml"),
        ("../../etc/passwd", "passwd.xml"),
        ("..\\..\\a.zip", "a.xml"),
        ('x"; filename="evil.exe', "x-filename-evil.exe.xml"),
        ("\r\nSet-Cookie: a=b", "Set-Cookie-a-b.xml"),
        ("", "report-7.xml"),
        ("....", "report-7.xml"),
        ("a" * 500, "a" * 120 + ".xml"),
    ],
)
def test_a_file_name_does_no_harm(name: str, safe: str) -> None:
    assert safe_name(name, report_id=7, suffix=".xml") == safe


@pytest.mark.parametrize(
    "target",
    [None, "", "x", "//a", "///a", "/\\a", "\\\\a", "http://a", "javascript:alert(1)", "/a\\..", "/a\nb", "/\t/a"],
)
def test_only_a_path_of_ours_is_gone_on_to(target: str | None) -> None:
    assert safe_next(target) == "/"
    assert safe_next("/reports?kind=tls#top") == "/reports?kind=tls#top"


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("dmarq.example", True), ("dmarq.example:8080", True), ("DMARQ.example", True), ("127.0.0.1:8080", True),
        ("[::1]:8080", True), ("[::1]", True), ("evil.example", False), ("127.0.0.1.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_addresses_and_our_names_are_us(host: str, is_own: bool) -> None:
    assert is_own_host(host, {"dmarq.example", "localhost"}) is is_own
