"""Reports about sources: rows with what was authenticated, and the parser's chores over them."""

import asyncio

from parser.sources.chores import MANY, Many, group_sources, judge_sources, name_sources, sum_domains
from parser.sources.data import NamingData
from parser.upkeep import fold
from pipeline.postgres.connection import Database
from tests.support.reports import BEGIN, END, METADATA, report_xml

POLICY = "<policy_published><domain>example.com</domain><p>none</p></policy_published>"

DAY_S = 86_400
NO_STOP = asyncio.Event()


def record(
    address: str, count: int, *, dkim: str = "fail", spf: str = "fail", auth: str = "", reason: str = "", sub: str = ""
) -> str:
    """A row about an address, from the domain or (`sub`) a subdomain of it."""
    why = f"<reason><type>{reason}</type></reason>" if reason else ""
    return f"""<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated>
      <disposition>none</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>{why}</policy_evaluated></row>
      <identifiers><header_from>{sub}example.com</header_from></identifiers><auth_results>{auth}</auth_results></record>"""


def signed(domain: str, *, result: str = "pass", selector: str = "s1") -> str:
    """A DKIM signature."""
    return f"<dkim><domain>{domain}</domain><selector>{selector}</selector><result>{result}</result></dkim>"


def envelope(domain: str, *, result: str = "pass") -> str:
    """An envelope domain."""
    return f"<spf><domain>{domain}</domain><scope>mfrom</scope><result>{result}</result></spf>"


def report(*records: str, number: int = 1, day: int = 0, org: str = "Example Receiver") -> str:
    """A report of its own on example.com."""
    metadata = METADATA.replace("r-1", f"r-{number}").replace("Example Receiver", org)
    metadata = metadata.replace(str(BEGIN), str(BEGIN + day * DAY_S)).replace(str(END), str(END + day * DAY_S))
    return report_xml(metadata=metadata, policy=POLICY, records="".join(records))


SENDGRID = record("192.0.2.10", 2310, auth=signed("sendgrid.net") + envelope("u1.wl.sendgrid.net"))
OWN = record("192.0.2.1", 500, dkim="pass", spf="pass", auth=signed("example.com") + envelope("example.com"))
FORWARDER = record("192.0.2.20", 40, dkim="pass", sub="news.", reason="forwarded", auth=signed("example.com"))
SPOOFER = record("192.0.2.66", 900, auth=envelope("spam.example", result="fail"))
ALL = (SENDGRID, OWN, FORWARDER, SPOOFER)


async def settle(database: Database, data: NamingData, many: Many = MANY) -> None:
    """Does what the parser does behind storing, as if it had been done long ago last."""
    await data.refresh()
    await fold(database, NO_STOP)
    async with database.connection() as connection:
        await connection.execute("UPDATE source_domain SET summed_at = '-infinity'")
    await name_sources(database, data, NO_STOP)
    await sum_domains(database, NO_STOP)
    await judge_sources(database, data.catalogue, NO_STOP)
    async with database.connection() as connection:
        await connection.execute("UPDATE source_group_kept SET grouped_at = '-infinity'")
    await group_sources(database, NO_STOP, many)
