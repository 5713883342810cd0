"""The walk-through in docs/from-none-to-reject.md, step by step, on sample reports that go on as it says."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from config_api.backend.recent import Recent
from parser.sources.data import NamingData, NamingFiles
from tests.support.config_api import Api
from tests.support.extracted import extracted
from tests.support.sending import OWN, POLICY, SENDGRID, SPOOFER, envelope, record, report, settle, signed
from tests.support.services import ADMIN_TOKEN
from tests.support.stored import store

GUIDE = Path(__file__).parents[3] / "docs" / "from-none-to-reject.md"
STEP = re.compile(r"^## (\d)\. .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"\(`(/[^`]*)`\)|^> (.+)$", re.MULTILINE)
REPORTERS = ("One", "Two", "Three")
SIGNED = record("192.0.2.10", 2310, dkim="pass", auth=signed("example.com") + envelope("u1.wl.sendgrid.net"))
DAYS = 16


class Sample:
    """A domain whose reports go on: 16 days at a time, by three reporters."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._day = 0

    def reported(self, *records: str, policy: str = "<p>none</p>") -> None:
        """Sixteen more days; what was before them is too long ago to count."""
        published = POLICY.replace("<p>none</p>", policy)
        mails = [
            extracted(
                100 * day + at,
                report(*records, number=100 * day + at, day=day, org=org).replace(POLICY, published),
            )
            for day in range(self._day, self._day + DAYS)
            for at, org in enumerate(REPORTERS, 1)
        ]
        store(self._api.backend, *mails)
        self._day += 60
        self.settled()

    def settled(self) -> None:
        """What the parser does behind storing is done, and answers that were kept have run out."""
        self._api.backend.recent = Recent()
        self._api.backend.run(settle(self._api.backend.database, NamingData(NamingFiles())), timeout=60)


@pytest.fixture
def reader(api: Api) -> FlaskClient:
    browser = api.browser()
    browser.post("/sign-in", data={"secret": ADMIN_TOKEN, "csrf_token": _token(browser, "/sign-in")})
    return browser


def test_the_guide_is_followed_step_by_step(api: Api, reader: FlaskClient) -> None:
    sample = Sample(api)
    before = {
        "1": lambda: sample.reported(SENDGRID, OWN, SPOOFER),
        "2": lambda: _decide(reader, sample),
        "3": lambda: sample.reported(SIGNED, OWN, SPOOFER),
        "4": lambda: None,
        "5": lambda: sample.reported(
            SIGNED, OWN, SPOOFER, policy="<p>quarantine</p><np>reject</np><testing>y</testing>"
        ),
        "6": lambda: sample.reported(SIGNED, OWN, SPOOFER, policy="<p>reject</p><np>reject</np>"),
    }
    steps = STEP.finditer(GUIDE.read_text(encoding="utf-8"))
    followed = []
    for step in steps:
        before[step[1]]()
        page, seen = "", 0
        for path, quoted in SHOWN.findall(step[0]):
            if path:
                page = _text(reader, path)
            else:
                assert quoted in page, f"step {step[1]}: {quoted}"
                seen += 1
        assert seen >= 2, step[1]
        followed.append(step[1])
    assert followed == list(before)


def _decide(reader: FlaskClient, sample: Sample) -> None:
    path = "/sources/192.0.2.66"
    form = {"csrf_token": _token(reader, path), "decision": "not_ours", "note": "nobody knows it"}
    assert reader.post(f"{path}/decision", data=form).status_code == 303
    sample.settled()


def _token(browser: FlaskClient, path: str) -> str:
    return browser.get(path).text.partition('name="csrf_token" value="')[2].partition('"')[0]


def _text(reader: FlaskClient, path: str) -> str:
    page = reader.get(path, query_string={"whole": "yes"})
    assert page.status_code == 200, path
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text))).replace(" .", ".")
