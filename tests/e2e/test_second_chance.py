"""A mail that failed is imported, and acted on, when it is retried after the fix."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from pipeline.contracts.topology import DEAD, REPORT
from pipeline.contracts.wire import MAIL_ID
from tests.support.dovecot import Dovecot, User
from tests.support.mails import aggregate_xml, mail, part
from tests.support.services import ADMIN_TOKEN, Services
from tests.support.site import Inspector, Site
from tests.support.stages import until

# A limit that is too tight plays the bug, and a service without it the fix.
BUGS = {"extractor": {"DMARQ_MAX_ATTACHMENT_BYTES": "10"}, "parser": {"DMARQ_MAX_RECORDS": "1"}}

DEEDS = {"published", "handled", "acted", "dead_letter", "dead_letter_retried"}
STEPS = {
    "fetcher": ["published", "acted", "handled"],
    "extractor": ["handled", "handled"],
    "parser": ["dead_letter", "handled", "handled", "handled"],  # the last two: its death, and what was done to it
    "config-api": ["dead_letter_retried"],
}


@pytest.fixture
async def inspector(dovecot: Dovecot, nats_url: str, database_url: str, tmp_path: Path) -> AsyncIterator[Inspector]:
    services = Services(nats_url=nats_url, database_url=database_url, logs=tmp_path)
    try:
        services.start("config-api")
        services.start("fetcher")
        async with Site(dovecot, nats_url, database_url, services).opened() as opened:
            yield opened
    finally:
        services.stop_all()


@pytest.mark.parametrize("broken", BUGS)
async def test_a_retried_mail_is_imported_and_acted_on(inspector: Inspector, user: User, broken: str) -> None:
    services = inspector.site.services
    for name in BUGS:
        services.start(name, environment=BUGS[name] if name == broken else {})
    user.deliver(mail(part(aggregate_xml(records=3), name="report.xml")))
    mailbox = await inspector.work_for(user, on_processed={"action": "move", "folder": "Done"})
    await inspector.until_done(mailbox, 1)
    assert await inspector.outcomes(mailbox) == {"failed": 1}
    assert await inspector.bus.count(DEAD) == 1

    services.running[broken].stop()
    services.start(broken)
    _retry(services, 1)
    await inspector.until(1, "SELECT count(*) FROM mail WHERE outcome = 'imported' AND action_state = 'done'")

    assert await inspector.outcomes(mailbox) == {"imported": 1}
    assert await inspector.figures(mailbox) == (1, 3, 3)
    assert (len(user.stored()), len(user.stored("Done"))) == (0, 1)
    assert await inspector.bus.count(DEAD) == 0


async def test_a_mail_is_followed_by_its_id_through_headers_and_the_logs_of_all_services(
    inspector: Inspector, user: User
) -> None:
    services = inspector.site.services
    services.start("extractor", environment=BUGS["extractor"])
    services.start("parser")
    user.deliver(mail(part(aggregate_xml(), name="report.xml")))
    mailbox = await inspector.work_for(user, on_processed={"action": "mark_read"})
    await inspector.until_done(mailbox, 1)
    letter = await inspector.bus.js.get_msg(DEAD.name, seq=1)
    mail_id = (letter.headers or {})[MAIL_ID]

    services.running["extractor"].stop()
    services.start("extractor")
    _retry(services, 1)
    await inspector.until(1, "SELECT count(*) FROM mail WHERE outcome = 'imported' AND action_state = 'done'")
    report = await inspector.bus.js.get_msg(REPORT.name, seq=1)

    assert (report.headers or {})[MAIL_ID] == mail_id
    await until(lambda: _steps(services, mail_id) == STEPS)


def _steps(services: Services, mail_id: str) -> dict[str, list[str]]:
    """What each service says in its log that it did to this mail, in order."""
    found = {}
    for name in services.running:
        written = (services.logs / f"{name}.log").read_text(encoding="utf-8").splitlines()
        lines = [json.loads(line) for line in written if mail_id in line]
        assert all(mail_id in line.get("mail_ids", [line.get("mail_id")]) for line in lines)
        found[name] = [line["event"] for line in lines if line["event"] in DEEDS]
    return found


def _retry(services: Services, letter: int) -> None:
    url = f"http://{services.http_address}/api/v1/dead-letters/{letter}/retry"
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
    with urlopen(Request(url, data=b"{}", headers=headers, method="POST")) as answer:
        assert answer.status == 204
