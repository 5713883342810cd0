"""An IMAP server in memory, filled with sample mails: `python -m dmarq.mailserver ACCOUNT.json`.

It is pymap with its dictionary backend: UIDPLUS, MOVE and IDLE, as a fetcher needs them. For demos only: it forgets
everything when it ends. It listens when all mails are in.
"""

import asyncio
import sys
from argparse import Namespace
from contextlib import AsyncExitStack
from pathlib import Path

from pymap.backend.dict import Config, DictBackend
from pymap.backend.dict.filter import FilterSet
from pymap.imap import IMAPService
from pymap.parsing.message import AppendMessage

from dmarq.embedded.mailbox import DemoAccount
from dmarq.lazy_inbox import LazyMailboxes
from dmarq.samples import make_mails


async def serve(account: DemoAccount) -> None:
    """Fill the INBOX, then answer until the process is ended."""
    backend, config = await DictBackend.init(_arguments(account))
    config.apply_context()
    await _fill(config, account)
    async with AsyncExitStack() as stack:
        await IMAPService(backend, config).start(stack)
        await asyncio.Event().wait()


async def _fill(config: Config, account: DemoAccount) -> None:
    mailboxes = LazyMailboxes()
    config.set_cache[account.username] = mailboxes, FilterSet()
    inbox = await mailboxes.get_mailbox("INBOX")
    for mail in make_mails(account.mails, account.seed, until=account.until):
        await inbox.append(AppendMessage(mail.raw, mail.received, frozenset()), recent=True)


def _arguments(account: DemoAccount) -> Namespace:
    """What pymap's own command line would have given."""
    return Namespace(
        host=account.host,
        port=account.port,
        demo_user=account.username,
        demo_password=account.password,
        demo_data=False,
        debug=False,
        tls=False,
        cert=None,
        key=None,
        inherited_sockets=None,
        passlib_cfg=None,
        proxy_protocol=None,
    )


def main() -> None:
    """Serve the account that the file describes."""
    account = DemoAccount.model_validate_json(Path(sys.argv[1]).read_bytes())
    asyncio.run(serve(account))


if __name__ == "__main__":
    main()
