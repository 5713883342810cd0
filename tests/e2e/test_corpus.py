"""Many real reports end in the database exactly as `dmarq parse` counts them."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dmarq.parsing import parse_file
from pipeline.contracts.limits import Limits
from tests.support.bulk import many_mails, real_mails
from tests.support.dovecot import User
from tests.support.site import Inspector

GENERATED = 400  # mails, where the corpus is not there
IDENTITY = ("kind", "org_name", "report_id", "domain", "begin", "end")


def parsed(mails: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    """The lines of `dmarq parse` for each mail."""
    for number, raw in enumerate(mails):
        yield list(parse_file(raw, file=f"{number}.eml", limits=Limits(), is_full=True))


def distinct(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of reports, each report once: another content under the same identity is another report."""
    good = (line for line in lines if line["outcome"] in {"valid", "repaired"})
    reports = {json.dumps([[line[name] for name in IDENTITY], line["report"]], sort_keys=True): line for line in good}
    return list(reports.values())


async def test_every_mail_is_in_the_ledger_and_every_report_is_counted_once(inspector: Inspector, user: User) -> None:
    mails = real_mails() or list(many_mails(GENERATED))
    lines = list(parsed(mails))
    reports = distinct(line for of_one in lines for line in of_one)
    refused = sum(all(line["outcome"] == "refused" for line in of_one) for of_one in lines)
    figures = (len(reports), sum(line["records"] for line in reports), sum(line["messages"] for line in reports))

    user.deliver(*mails)
    mailbox = await inspector.work_for(user, on_processed={"action": "move", "folder": "Done"})
    await inspector.until_done(mailbox, len(mails))
    outcomes = await inspector.outcomes(mailbox)
    assert sum(outcomes.values()) == len(mails)
    assert outcomes["imported"] == len(reports)
    assert outcomes.get("failed", 0) == refused
    assert await inspector.figures(mailbox) == figures
    assert len(user.stored("Done")) == outcomes["imported"] + outcomes.get("duplicate", 0)
    assert len(user.stored()) == refused

    await inspector.read_again(mailbox)
    await inspector.until_runs(mailbox, len(mails) + refused)
    assert await inspector.outcomes(mailbox) == outcomes
    assert await inspector.figures(mailbox) == figures
