"""What a database looks like after some weeks, for the pages to show: the same every time, relative to today."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from parser.sources.data import NamingData, NamingFiles
from pipeline.contracts.mail import mail_id_of
from pipeline.postgres.connection import Database, open_pool
from pipeline.telemetry.health import Readiness
from tests.support.sending import settle
from tests.web.stored_runs import tell_runs

HOSTILE = '<img src=x onerror="alert(1)"><script>document.title="owned"</script>'
MAILBOX = "dmarc-reports"
DAYS = 45
REPORTERS = ("google.com", "Enterprise Outlook", "Yahoo", "Fastmail Pty Ltd", "GMX", HOSTILE)
DOMAINS = ("example.com", "news.example.com", "example.org")
SOURCES = (("192.0.2.10", 0.995), ("198.51.100.7", 0.97), ("2001:db8:25::1:7", 0.9), ("203.0.113.77", 0.02))
SENDGRID, SPOOFER, FORWARDER = "192.0.2.66", "203.0.113.99", "198.51.100.40"


async def fill(database_url: str, *, judged: bool = True) -> None:
    """Mails with every outcome, their reports and rows, fetch runs, log lines. The API makes the mailbox itself.

    Without `judged` the sources are as they are right after storing: neither named nor added up.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        async with connection.transaction():
            await _Story(connection, random.Random(7)).tell()
    finally:
        await connection.close()
    if judged:
        await _judge(database_url)


async def _judge(database_url: str) -> None:
    """What the parser does behind storing: sources are named, added up and judged."""
    async with await open_pool(database_url, size=1, name="tests") as pool:
        await settle(Database(pool, Readiness()), NamingData(NamingFiles()))


class _Story:
    def __init__(self, connection: asyncpg.Connection, dice: random.Random) -> None:
        self._db = connection
        self._dice = dice
        self._uid = 0
        self._midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    async def tell(self) -> None:
        for ago in range(DAYS, 0, -1):
            await self._day(self._midnight - timedelta(days=ago))
        await self._failed_mail()
        await self._skipped_mail()
        await self._tls_report()
        await tell_runs(self._insert, MAILBOX)

    async def _day(self, day: datetime) -> None:
        weekend = 0.45 if day.weekday() >= 5 else 1.0
        await self._report_on_others(day)
        for domain in DOMAINS:
            for reporter in self._dice.sample(REPORTERS, k=3):
                mail = await self._mail(
                    day, outcome="imported", subject=f"Report domain: {domain} Submitter: {reporter}"
                )
                await self._report(day, mail, domain, reporter, weight=weekend / (1 + 2 * DOMAINS.index(domain)))

    async def _mail(self, day: datetime, *, outcome: str, subject: str, **more: Any) -> UUID:
        self._uid += 1
        at = day + timedelta(days=1, hours=5, minutes=self._uid % 50)
        mail_id = mail_id_of(mailbox_id=MAILBOX, folder="INBOX", uidvalidity=1700000000, uid=self._uid)
        row = {
            "mail_id": UUID(mail_id),
            "mailbox_id": MAILBOX,
            "folder": "INBOX",
            "uidvalidity": 1700000000,
            "uid": self._uid,
            "header_message_id": f"<{self._uid}@reports.example>",
            "from_address": "noreply-dmarc-support@google.com",
            "subject": subject,
            "internal_date": at - timedelta(minutes=4),
            "size": 9_000 + self._dice.randrange(9_000),
            "fetched_at": at,
            "stored_at": at + timedelta(seconds=1),
            "settings_version": 1,
            "outcome": outcome,
            "action": "move",
            "action_target": "Processed",
            "action_state": "done",
            "acted_at": at + timedelta(seconds=2),
            "lines": [
                {"path": "1", "declared_type": "text/plain", "size": 312, "outcome": "ignored"},
                {
                    "path": "2/report.xml",
                    "name": "google.com!example.com.xml",
                    "sniffed": "xml",
                    "size": 4211,
                    "declared_type": "application/zip",
                    "outcome": "stored",
                },
            ],
            **more,
        }
        await self._insert("mail", row)
        mail: UUID = row["mail_id"]
        return mail

    async def _report(self, day: datetime, mail: UUID, domain: str, reporter: str, *, weight: float) -> None:
        rows = [self._row(ip, passing, domain, weight) for ip, passing in self._dice.sample(SOURCES, k=3)]
        messages = sum(row["count"] for row in rows)
        passed = sum(row["count"] for row in rows if row["dkim"] == "pass" or row["spf"] == "pass")
        report = await self._header(
            day,
            mail,
            kind="aggregate",
            domain=domain,
            org_name=reporter,
            record_count=len(rows),
            message_count=messages,
            passed=passed,
            quarantined=messages - passed,
        )
        for position, row in enumerate(rows):
            await self._insert("record", {"report": report, "begin": day, "position": position, **row})

    async def _report_on_others(self, day: datetime) -> None:
        """A service without DKIM of the domain, a forwarder and, in the last days, somebody who spoofs."""
        domain = DOMAINS[0]
        rows = [
            self._other(SENDGRID, 300, dkim="sendgrid.net", spf="u1.wl.sendgrid.net"),
            self._other(FORWARDER, 12, dkim=domain, spf="lists.example.net", reason="mailing_list"),
        ]
        if (self._midnight - day).days <= 5:
            rows.append(self._other(SPOOFER, 140, spf="spam.example"))
        mail = await self._mail(day, outcome="imported", subject=f"Report domain: {domain} Submitter: Comcast")
        messages = sum(row["count"] for row in rows)
        given = {"record_count": len(rows), "message_count": messages, "passed": 12, "domain": domain}
        report = await self._header(day, mail, kind="aggregate", org_name="Comcast", **given)
        for position, row in enumerate(rows):
            await self._insert("record", {"report": report, "begin": day, "position": position, **row})

    def _other(self, ip: str, count: int, *, spf: str, dkim: str = "", reason: str = "") -> dict[str, Any]:
        spf_result = "fail" if spf == "spam.example" else "pass"
        return {
            "source_ip": ip,
            "count": count,
            "disposition": "none",
            "dkim": "pass" if dkim == DOMAINS[0] else "fail",
            "spf": "fail",
            "header_from": f"shop.{DOMAINS[0]}" if ip == SENDGRID else DOMAINS[0],
            "envelope_from": spf,
            "reasons": [{"type": reason, "comment": None}] if reason else None,
            "dkim_results": [{"domain": dkim, "selector": "s1", "result": "pass", "human_result": None}]
            if dkim
            else None,
            "spf_results": [{"domain": spf, "scope": "mfrom", "result": spf_result, "human_result": None}],
        }

    def _row(self, ip: str, passing: float, domain: str, weight: float) -> dict[str, Any]:
        good = self._dice.random() < passing
        word = "pass" if good else "fail"
        return {
            "source_ip": ip,
            "count": 1 + int(weight * self._dice.paretovariate(1.6) * (90 if passing > 0.5 else 8)),
            "disposition": "none" if good else "quarantine",
            "dkim": word,
            "spf": word if self._dice.random() < 0.8 else "fail",
            "header_from": domain,
            "envelope_from": f"bounce.{domain}",
            "dkim_results": [{"domain": domain, "selector": "s1", "result": word, "human_result": None}],
            "spf_results": [{"domain": f"bounce.{domain}", "scope": "mfrom", "result": word, "human_result": None}],
        }

    async def _header(self, day: datetime, mail: UUID, **given: Any) -> int:
        digest = sha256(f"{mail}{given}".encode()).digest()
        document = await self._insert(
            "document",
            {
                "mail_id": mail,
                "path": "2/report.xml",
                "name": "report.xml",
                "format": "xml",
                "size": 4211,
                "sha256": digest,
                "bytes": gzip.compress(b"<feedback/>"),
                "outcome": "stored",
                "parser_version": "1",
                "stored_at": day + timedelta(days=1),
            },
        )
        await self._db.execute("UPDATE document SET report = id WHERE id = $1", document)
        return await self._insert(
            "report",
            {
                "id": document,
                "mail_id": mail,
                "mailbox_id": MAILBOX,
                "report_id": str(int.from_bytes(digest[:7])),
                "begin": day,
                "end": day + timedelta(hours=23, minutes=59, seconds=59),
                "identity": digest,
                "fingerprint": digest,
                "variant": False,
                "p": "none" if (self._midnight - day).days > 25 else "quarantine",
                "adkim": "r",
                "aspf": "r",
                "pct": 100,
                "email": "noreply-dmarc-support@google.com",
                "rejected": 0,
                "quarantined": 0,
                "parser_version": "1",
                "repairs": ["trailing-junk-removed"] if digest[0] < 20 else [],
                "stored_at": day + timedelta(days=1, hours=5),
                **given,
            },
        )

    async def _failed_mail(self) -> None:
        lines = [
            {
                "path": "2",
                "name": "report.zip",
                "declared_type": "application/zip",
                "sniffed": "zip",
                "size": 88_000,
                "outcome": "refused",
                "reason": "ratio_too_high",
                "detail": "1,032 to 1",
            }
        ]
        day = self._midnight - timedelta(days=1)
        refused = {"reason": "ratio_too_high", "action": "none", "action_target": None, "action_state": "none"}
        await self._mail(day, outcome="failed", subject=HOSTILE, lines=lines, acted_at=None, **refused)
        await self._mail(
            day,
            outcome="not_a_report",
            subject="Lunch?",
            reason="no_report_found",
            action="none",
            action_target=None,
            action_state="none",
            acted_at=None,
        )

    async def _skipped_mail(self) -> None:
        line = {"path": "2", "name": "report.zip", "declared_type": "application/zip", "sniffed": "zip", "size": 4_000}
        switched_off = {"reason": "format_not_allowed", "detail": "zip"}
        untouched = {"action": "none", "action_target": None, "action_state": "none", "acted_at": None}
        await self._mail(
            self._midnight - timedelta(days=1),
            outcome="not_a_report",
            subject="Report Domain: example.com Submitter: zipped.example",
            lines=[{**line, "outcome": "ignored", **switched_off}],
            **switched_off,
            **untouched,
        )

    async def _tls_report(self) -> None:
        day = self._midnight - timedelta(days=2)
        mail = await self._mail(
            day, outcome="imported", subject="Report Domain: example.com Submitter: google.com (TLS)"
        )
        report = await self._header(
            day,
            mail,
            kind="tls",
            domain="example.com",
            org_name="Google Inc.",
            record_count=1,
            message_count=331,
            passed=329,
        )
        await self._insert(
            "tls_policy",
            {
                "report": report,
                "position": 0,
                "policy_type": "sts",
                "policy_domain": "example.com",
                "policy_strings": ["version: STSv1", "mode: enforce"],
                "mx_hosts": ["mx1.example.com"],
                "successful_sessions": 329,
                "failed_sessions": 2,
            },
        )
        await self._insert(
            "tls_failure",
            {
                "report": report,
                "policy": 0,
                "position": 0,
                "result_type": "certificate-expired",
                "sending_mta_ip": "192.0.2.4",
                "receiving_mx_hostname": "mx1.example.com",
                "failed_session_count": 2,
            },
        )

    async def _insert(self, table: str, row: dict[str, Any]) -> int:
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        returning = " RETURNING id" if table in ("document", "report") else ""
        statement = f"INSERT INTO {table} ({names}) VALUES ({places}){returning}"
        return await self._db.fetchval(statement, *row.values()) or 0
