"""What the stack must show: reports arrive, least privilege holds, a crash and an upgrade lose nothing."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from itertools import chain

from dmarq.samples import Totals, make_mails, total
from tests.compose.images import ROOT, SERVICES
from tests.compose.programs import Failed
from tests.compose.stack import Stack, wait_until

ACCOUNT = json.loads((ROOT / "deploy/compose/demo/account.json").read_text(encoding="utf-8"))
UNTIL = date.fromisoformat(ACCOUNT["until"])
LATER_MAILS, LATER_SEED = 300, 7
PERIOD = {"since": "2018-01-01", "until": "2026-12-31"}
PAUSE_S = 0.1  # between mails that arrive during a crash and an upgrade

DELIVER = f"""
import imaplib, time
from datetime import date
from dmarq.samples import make_mails
server = imaplib.IMAP4("127.0.0.1", {ACCOUNT["port"]})
server.login({ACCOUNT["username"]!r}, {ACCOUNT["password"]!r})
for mail in make_mails({LATER_MAILS}, {LATER_SEED}, until=date.fromisoformat({ACCOUNT["until"]!r})):
    assert server.append("INBOX", None, None, mail.raw)[0] == "OK"
    time.sleep({PAUSE_S})
server.logout()
"""

STATUS = "print(open('/proc/self/status').read())"
SCRATCH = "import tempfile; tempfile.TemporaryFile().write(b'what a service must be able to write')"
REACHES = "import socket; socket.create_connection(({host!r}, {port}), 3); print('connected')"

USERS = "deploy/nats-users.conf"
LATER_PERMISSIONS = '"$JS.API.STREAM.PURGE.COMMAND", "$JS.API.STREAM.PURGE.KV_cursor", "$JS.API.STREAM.PURGE.KV_status"'
CURSORS = """
import asyncio, nats
async def look():
    url = open("/run/secrets/nats_url").read().strip()
    async with await nats.connect(url, inbox_prefix="_INBOX_fetcher") as client:
        print((await client.jetstream().stream_info("KV_cursor")).state.messages)
asyncio.run(look())
"""

AS_ROLE = """
DO $$ BEGIN
  SET LOCAL ROLE {role};
  EXECUTE '{statement}';
  RAISE 'was allowed';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$
"""


def demo_totals() -> Totals:
    """What the mails of the demo mailbox add up to."""
    return total(make_mails(ACCOUNT["mails"], ACCOUNT["seed"], until=UNTIL))


def all_totals() -> Totals:
    """The same with those that arrive later."""
    later = make_mails(LATER_MAILS, LATER_SEED, until=UNTIL)
    return total(chain(make_mails(ACCOUNT["mails"], ACCOUNT["seed"], until=UNTIL), later))


def reports_arrive(stack: Stack, expected: Totals) -> str:
    """Every mail has its outcome and every report is there, in the database and through the API."""
    wait_until(lambda: _count(stack, "mail") >= expected.mails, what=f"{expected.mails} mails have an outcome")
    wait_until(
        lambda: stack.query("SELECT count(*) FROM mail WHERE action_state = 'pending'") == "0", what="all is done"
    )
    outcomes = dict(
        line.split("|") for line in stack.query("SELECT outcome, count(*) FROM mail GROUP BY 1").splitlines()
    )
    _require({o.value: str(n) for o, n in expected.outcomes.items() if n} == outcomes, f"outcomes are {outcomes}")
    _require(_count(stack, "report") == expected.reports, f"{_count(stack, 'report')} of {expected.reports} reports")
    records = int(stack.query("SELECT sum(record_count) FROM report"))
    _require(records == expected.records, f"{records} of {expected.records} records")
    totals = stack.api("/summary", **PERIOD)["totals"]
    _require(totals["mails"] == expected.mails, f"the API counts {totals['mails']} of {expected.mails} mails")
    aggregate = int(stack.query("SELECT count(*) FROM report WHERE kind = 'aggregate' AND NOT variant"))
    _require(totals["reports"] == aggregate, f"the API counts {totals['reports']} of {aggregate} aggregate reports")
    newest = stack.api("/reports")["items"][0]
    _require(
        stack.api(f"/reports/{newest['id']}")["id"] == newest["id"], "the API lists a report that it does not give"
    )
    dead = int(stack.query("SELECT count(*) FROM mail WHERE outcome = 'failed'"))
    return f"{expected.mails} mails, {expected.reports} reports, {expected.records} records, {dead} failed"


def least_privilege_holds(stack: Stack) -> str:
    """No container is root, can write its root or has a capability; roles and networks keep the services apart."""
    for service in ("nats", "postgres", "fetcher", "extractor", "parser", "config-api", "demo-mail"):
        about = stack.inspect(stack.containers(service)[0])
        _require(about["HostConfig"]["ReadonlyRootfs"], f"{service} has a root that can be written")
        _require(about["Config"]["User"] not in {"", "0", "root"}, f"{service} runs as root")
    for service in SERVICES:
        status = dict(line.split(":\t", 1) for line in stack.python(service, STATUS).splitlines() if ":\t" in line)
        _require(int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, f"{service} has capabilities")
        _require(status["NoNewPrivs"] == "1", f"{service} may gain privileges")
        stack.python(service, SCRATCH)
    for service in ("fetcher", "extractor"):
        _require_fails(stack, service, REACHES.format(host="postgres", port=5432), f"{service} reaches PostgreSQL")
    for role, statement in (
        ("dmarq_parser", "CREATE TABLE x ()"),
        ("dmarq_parser", "SELECT * FROM credential"),
        ("dmarq_config_api", "DELETE FROM report"),
        ("dmarq_config_api", "UPDATE mail SET outcome = 'imported'"),
        ("dmarq_grafana", "SELECT * FROM mail"),
    ):
        answer = stack.query(AS_ROLE.format(role=role, statement=statement.replace("'", "''")))
        _require(answer == "DO", f"{role} may do: {statement}")
    _require_permissions(stack)
    return "no root, no capabilities, read-only roots; roles, networks and NATS users as narrow as they should be"


def a_crash_and_an_upgrade_lose_nothing(stack: Stack, version: str) -> str:
    """Mails arrive while services are killed, scaled and replaced by another version."""
    with _mails_arriving(stack):
        stack.up("--scale", "parser=3")
        for service in ("extractor", "parser", "fetcher", "nats", "postgres"):
            stack.kill(service)
        shutil.copy(ROOT / USERS, stack.tree / USERS)
        stack.up("--force-recreate", "--no-deps", "nats")
        stack.up(*SERVICES, version=version)  # not the mail server, which would forget its mails
        image = stack.inspect(stack.containers("fetcher")[0])["Config"]["Image"]
        _require(image.endswith(f":{version}"), f"the fetcher still runs {image}")
    return f"kill -9 of five containers, three parsers, then version {version}: {reports_arrive(stack, all_totals())}"


def take_back_permissions(stack: Stack) -> None:
    """The users of NATS as they were before one of them was given more: what an upgrade finds."""
    users = stack.tree / USERS
    text = users.read_text(encoding="utf-8")
    _require(LATER_PERMISSIONS in text, f"{USERS} does not give what the upgrade is to bring")
    users.write_text(text.replace(LATER_PERMISSIONS, ""), encoding="utf-8")


def a_deleted_mailbox_is_forgotten(stack: Stack) -> str:
    """The broker keeps nothing of it, for which the permissions are needed that came with the upgrade."""
    (mailbox,) = stack.api("/mailboxes")["items"]
    stack.api(f"/mailboxes/{mailbox['id']}", method="DELETE")
    wait_until(lambda: stack.python("fetcher", CURSORS).strip() == "0", what="the cursor of the mailbox is gone")
    _require_permissions(stack)
    return "a deleted mailbox is forgotten, with the permissions that the upgrade brought"


def _require_permissions(stack: Stack) -> None:
    _require("Violation" not in stack.compose("logs", "nats"), "a service lacks a permission of NATS")


@contextmanager
def _mails_arriving(stack: Stack) -> Iterator[None]:
    with ThreadPoolExecutor(1) as pool:
        arriving = pool.submit(stack.python, "demo-mail", DELIVER)
        yield
        arriving.result()


def _count(stack: Stack, table: str) -> int:
    return int(stack.query(f"SELECT count(*) FROM {table}"))


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)


def _require_fails(stack: Stack, service: str, code: str, otherwise: str) -> None:
    try:
        stack.python(service, code)
    except Failed:
        return
    raise Failed(otherwise)
