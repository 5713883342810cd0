"""No encryption that has been broken: TLS 1.2 is the floor, verified or not."""

import asyncio
import ssl

import pytest
import trustme

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.tls import client_context
from pipeline.contracts.mailbox import Security
from tests.support.fixtures_imap import quiet, scripted_account


@pytest.mark.parametrize("verify", [True, False])
def test_nothing_below_tls_1_2_is_offered(verify: bool) -> None:
    context = client_context(verify_certificate=verify, ca_certificate=None)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_a_server_that_can_only_do_less_is_not_spoken_to() -> None:
    ca = trustme.CA()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1_1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    ca.issue_cert("127.0.0.1").configure_cert(old)
    spoken_to: list[object] = []
    server = await asyncio.start_server(lambda *streams: spoken_to.append(streams), "127.0.0.1", 0, ssl=old)
    port = server.sockets[0].getsockname()[1]
    account = scripted_account(port, security=Security.TLS, ca_certificate=ca.cert_pem.bytes().decode())
    async with server:
        with pytest.raises(ImapFault):
            await ImapSession.open(account, log=quiet)

    assert spoken_to == []
