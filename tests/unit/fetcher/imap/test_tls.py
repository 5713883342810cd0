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


def test_mailboxes_that_trust_the_same_share_what_they_read_of_it() -> None:
    own = trustme.CA().cert_pem.bytes().decode()
    strict, of_own_ca, lenient, pinned = (
        [client_context(verify_certificate=verify, ca_certificate=ca, pinned_certificate=pin) for _ in range(2)]
        for verify, ca, pin in ((True, None, None), (True, own, None), (False, None, None), (True, None, "ab" * 32))
    )

    assert all(first is second for first, second in (strict, of_own_ca, lenient, pinned))
    assert len({id(context) for context in (strict[0], of_own_ca[0], lenient[0])}) == 3
    assert (strict[0].verify_mode, lenient[0].verify_mode) == (ssl.CERT_REQUIRED, ssl.CERT_NONE)
    assert pinned[0].verify_mode is ssl.CERT_NONE


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
