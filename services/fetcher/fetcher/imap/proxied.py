"""A connection through a SOCKS or HTTP proxy, which also resolves the server's name."""

import socket

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy

from fetcher.imap.account import Account
from fetcher.imap.faults import ImapFault
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import ProxySettings


async def socket_through(proxy: ProxySettings, account: Account) -> socket.socket:
    """A socket that is connected to the account's server. Raises ImapFault (connectivity), naming the proxy."""
    through = Proxy(
        ProxyType[proxy.kind.name],
        proxy.host,
        proxy.port,
        username=proxy.username or None,
        password=account.proxy_password or None,
        rdns=True,
    )
    place = f"the proxy {proxy.host}:{proxy.port}"
    try:
        return await through.connect(account.host, account.port, timeout=account.deadlines.connect_s)
    except ProxyTimeoutError as error:
        raise ImapFault(Category.TIMEOUT, f"{place} does not answer: check host, port and firewall") from error
    except ProxyConnectionError as error:
        raise ImapFault(Category.CONNECTIVITY, f"no connection to {place}: check host and port") from error
    except ProxyError as error:
        detail = f"{place} gives no way to {account.host}:{account.port}: {_said(error)}"
        raise ImapFault(Category.CONNECTIVITY, detail) from error


def _said(error: ProxyError) -> str:
    text = " ".join(str(error).split())[:200]
    return "".join(c if c.isprintable() else "?" for c in text)
