"""Requests that are no use to anybody, to see whether any of them is a fault of ours."""

import json
from base64 import urlsafe_b64encode
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

API = "/api/v1"
JSON = {"Content-Type": "application/json"}
HUGE = 10**30
LISTS = ("/activity", "/runs", "/logs", "/mails", "/reports", "/dead-letters", "/mailboxes/main/activity")
PAGES = ("/reports", "/mails", "/settings/logs", "/dead-letters", "/settings/mailboxes", "/", "/overview/sources")


class Odd(NamedTuple):
    """One request. `target` is a path with its query, as sent."""

    method: str
    target: str
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 never changed


def _cursor(*parts: Any) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


CURSORS = (
    _cursor("0001-01-01T00:00:00+14:00", 1),
    _cursor("0001-01-01T00:00:00+14:00", "a"),
    _cursor("9999-12-31T23:59:59-14:00", 1),
    _cursor("9999-12-31T23:59:59-14:00", "a"),
    _cursor("0001-01-01T00:00:00+00:00", "00000000-0000-0000-0000-000000000000"),
    _cursor("2026-01-01T00:00:00+23:59:59.999999", "a"),
    _cursor("2026-02-30T00:00:00+00:00", "a"),
    _cursor("2026-01-01T00:00:00+00:00", "\ud800"),
    _cursor("2026-01-01T00:00:00+00:00", "\0"),
    _cursor("2026-01-01T00:00:00+00:00", HUGE),
    _cursor(HUGE),
    _cursor(-(2**63)),
    _cursor(-1, -1),
    _cursor(1e308),
    _cursor(None, None),
    "A" * 499,
    "%ff%fe",
    "%00",
)
QUERIES = (
    *(f"cursor={cursor}" for cursor in CURSORS),
    "q=%00",
    "q=%ff%fe",
    "q=%ed%a0%80",
    f"limit={HUGE}",
    "limit=-1",
    "limit=1e3",
    "limit=%D9%A1",
    "since=0001-01-01T00:00:00%2B14:00",
    "until=9999-12-31T23:59:59-14:00",
    "since=1e400",
    "days=%00",
    "days=" + "9" * 400,
    "mailbox_id=%00",
    "mailbox_id=%ed%a0%80",
    "reason=%00",
    "domain=%00",
    "domain=" + "a" * 5000,
    "run_id=%00",
    "sort=%00",
    "kind=%ff",
    "span=%00",
    "level=%00",
    "source=%00",
    "q=" + "%25" * 160,
    "format=%00",
    "=&=&&",
    "q=1&q=2",
    "%00=%00",
)
TEXTS: tuple[Any, ...] = (
    "\ud800",
    "\udfff\ud800",
    "a\0b",
    "\0",
    "\u202e",
    "a" * 20_000,
    HUGE,
    -HUGE,
    1e308,
    None,
    [],
    {},
    True,
)
FIELDS: dict[str, tuple[str, ...]] = {
    "POST /mailboxes": ("name", "id", "host", "port", "username", "password", "folder", "proxy", "ca_certificate"),
    "PATCH /mailboxes/main": ("name", "host", "port", "username", "password", "folder", "access_token"),
    "POST /mailboxes/test": ("name", "host", "username", "password"),
    "POST /mailboxes/main/backfill": ("since",),
    "POST /tokens": ("name", "scope"),
    "PUT /password": ("current", "password"),
    "POST /reparse": ("since", "until", "domain", "reason", "parser_version"),
    "POST /dead-letters/retry": ("mailbox_id", "reason"),
}
BASE = {"name": "x", "host": "imap.example.com", "username": "u", "password": "p", "scope": "read", "current": "c"}
TAKES = {
    "POST /mailboxes": ("name", "host", "username", "password"),
    "POST /mailboxes/test": ("name", "host", "username", "password"),
    "POST /tokens": ("name", "scope"),
    "PUT /password": ("current", "password"),
}
BODIES = (
    b"\xff\xfe",
    b"{\x00}",
    b'{"name": "\xff"}',
    b'{"name": NaN, "port": Infinity}',
    b'{"name": 1e999999}',
    b'{"port": ' + b"9" * 5000 + b"}",
    b'{"a":' * 5000,
    b'{"\\ud800": 1}',
    b'{"\\u0000": 1}',
    b'\xef\xbb\xbf{"name": "x"}',
    '{"name": "x"}'.encode("utf-16"),
    '{"name": "x"}'.encode("utf-32"),
)
HEADERS = (
    {"Accept": ";q=\xff"},
    {"Accept": "text/csv;q=NaN, */*;q=-1"},
    {"Accept": "a/b;" * 500},
    {"Accept-Language": "\xff"},
    {"Range": "bytes=5-1,9-"},
    {"If-Match": '"' + "9" * 400 + '"'},
    {"If-Match": "\xff"},
    {"If-None-Match": '"\xff'},
    {"If-Modified-Since": "Thu, 99 Jan 0000 99:99:99 GMT"},
    {"Cookie": "dmarq_session=\xff\xfe; dmarq_visitor=\xed\xa0\x80"},
    {"Cookie": "dmarq_session=" + "a" * 8000},
    {"Origin": "http://[::1"},
    {"Origin": "http://[x]:y"},
    {"Host": "[::1"},
    {"Host": "localhost:99999999"},
    {"Host": "a b"},
    {"X-Forwarded-For": "\xff, ::g"},
    {"X-Forwarded-Proto": "\xff"},
    {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "Basic \xff"},
    {"Authorization": "Digest a=b, c"},
    {"Content-Type": "application/json; charset=klingon"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "\xff/\xff"},
    {"X-CSRF-Token": "\xff"},
    {"Expect": "100-continue"},
    {"Connection": "Upgrade", "Upgrade": "websocket"},
)
PATHS = (
    f"/reports/{HUGE}",
    f"/reports/{2**63}/records",
    f"/reparse/{HUGE}",
    f"/dead-letters/{HUGE}",
    f"/dead-letters/{HUGE}/mail",
    "/mails/%00",
    "/mails/%ff",
    "/mails/" + "a" * 5000,
    "/mailboxes/%ed%a0%80",
    f"/reports/{HUGE}/document",
    "/%00",
    "//",
    "/%2e%2e/",
)


def _with_field(operation: str, field: str, value: Any) -> Odd:
    method, path = operation.split(" ")
    base = {name: BASE[name] for name in TAKES.get(operation, ())}
    return Odd(method, API + path, json.dumps({**base, field: value}).encode(), {**JSON, "If-Match": "*"})


ODD_REQUESTS: tuple[Odd, ...] = (
    *(Odd("GET", f"{API}{path}?{query}") for path in LISTS for query in QUERIES),
    *(Odd("GET", f"{path}?{query}") for path in PAGES for query in QUERIES),
    *(Odd("GET", f"{API}{path}") for path in PATHS),
    *(Odd("DELETE", f"{API}/tokens/{number}") for number in (HUGE, 2**63)),
    *(
        _with_field(operation, field, value)
        for operation, fields in FIELDS.items()
        for field in fields
        for value in TEXTS
    ),
    *(
        Odd(operation.split()[0], API + operation.split()[1], body, {**JSON, "If-Match": "*"})
        for operation in FIELDS
        for body in BODIES
    ),
    *(Odd("GET", f"{API}{path}", headers=headers) for path in ("/reports", "/mailboxes/main") for headers in HEADERS),
    *(Odd("GET", path, headers=headers) for path in ("/", "/sign-in", "/static/css/base.css") for headers in HEADERS),
    *(Odd("POST", "/sign-in", b"csrf_token=%ff&secret=%ed%a0%80%00", headers) for headers in HEADERS),
    *(Odd("POST", f"{API}/imports?name=%ff%00%ed%a0%80", body, {"Content-Type": "\xff"}) for body in BODIES),
)


def answered(address: str, headers: dict[str, str]) -> list[tuple[Odd, int]]:
    """The status of each answer; 599 where there was none."""
    connection = HTTPConnection(address, timeout=30)
    answers = []
    for odd in ODD_REQUESTS:
        try:
            connection.putrequest(odd.method, odd.target, skip_host="Host" in odd.headers, skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(odd.body)), **odd.headers}.items():
                connection.putheader(name, value)
            connection.endheaders(odd.body)
            answer = connection.getresponse()
            answer.read()
            answers.append((odd, answer.status))
        except (HTTPException, OSError):
            connection.close()
            answers.append((odd, 599))
    connection.close()
    return answers
