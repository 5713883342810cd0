"""A mail that failed is imported, and acted on, when it is retried after the fix."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from pipeline.topology import DEAD
from tests.support.dovecot import Dovecot, User
from tests.support.mails import aggregate_xml, mail, part
from tests.support.services import ADMIN_TOKEN, Services
from tests.support.site import Inspector, Site

# A limit that is too tight plays the bug, and a service without it the fix.
BUGS = {"extractor": {"DMARQ_MAX_ATTACHMENT_BYTES": "10"}, "parser": {"DMARQ_MAX_RECORDS": "1"}}


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


def _retry(services: Services, letter: int) -> None:
    url = f"http://{services.http_address}/api/v1/dead-letters/{letter}/retry"
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
    with urlopen(Request(url, data=b"{}", headers=headers, method="POST")) as answer:
        assert answer.status == 204
