"""Why a certificate is not trusted is told apart, one cause first, with the step that helps."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trustme

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.session import ImapSession
from fetcher.imap.transport.account import Account
from fetcher.imap.transport.connect import connect
from pipeline.contracts.connection_test import Category
from pipeline.contracts.mailbox import Security
from tests.support.fixtures_imap import quiet, scripted_account
from tests.support.scripted_imap import scripted_imap

AUTHORITY = trustme.CA(organization_name="Example Root")
INTERMEDIATE = AUTHORITY.create_child_ca()


@asynccontextmanager
async def presenting(certificate: bytes, key: bytes, tmp: str) -> AsyncIterator[int]:
    """A port that speaks TLS with this certificate, and then greets."""
    with open(tmp, "wb") as file:  # noqa: ASYNC230 a few bytes, before anything runs
        file.write(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        tag, *_ = (await reader.readline()).split() or [b"-"]
        writer.write(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def fault(issued: trustme.LeafCert, tmp: object, *, chain: int, trusted: trustme.CA | None) -> ImapFault:
    """What comes of a server that presents the first `chain` certificates of the chain."""
    pem = b"".join(blob.bytes() for blob in issued.cert_chain_pems[:chain])
    ca = trusted.cert_pem.bytes().decode() if trusted else None
    async with presenting(pem, issued.private_key_pem.bytes(), f"{tmp}/server.pem") as port:
        account = scripted_account(port, security=Security.TLS, ca_certificate=ca)
        with pytest.raises(ImapFault) as caught:
            await ImapSession.open(account, log=quiet)
    assert caught.value.category is Category.TLS
    return caught.value


async def test_a_missing_intermediate_is_named(tmp_path: object) -> None:
    found = await fault(INTERMEDIATE.issue_cert("127.0.0.1"), tmp_path, chain=1, trusted=AUTHORITY)

    assert "does not send the intermediate certificate" in found.detail
    assert "full certificate chain" in found.step


async def test_a_ca_that_is_not_known_is_named(tmp_path: object) -> None:
    other = trustme.CA()
    for chain, issuer, trusted in ((2, INTERMEDIATE, other), (1, AUTHORITY, None)):
        found = await fault(issuer.issue_cert("127.0.0.1"), tmp_path, chain=chain, trusted=trusted)

        assert "a CA that is not known here" in found.detail
        assert "Paste the CA certificate" in found.step


async def test_an_expired_certificate_is_named(tmp_path: object) -> None:
    issued = AUTHORITY.issue_cert(
        "127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2021, 1, 1, tzinfo=UTC)
    )
    found = await fault(issued, tmp_path, chain=1, trusted=AUTHORITY)

    assert "has expired" in found.detail


async def test_a_wrong_name_is_named(tmp_path: object) -> None:
    found = await fault(AUTHORITY.issue_cert("mail.example"), tmp_path, chain=1, trusted=AUTHORITY)

    assert "is for another name" in found.detail
    assert "host name" in found.step


async def test_a_self_signed_certificate_is_named(tmp_path: object) -> None:
    async with presenting(AUTHORITY.cert_pem.bytes(), AUTHORITY.private_key_pem.bytes(), f"{tmp_path}/ca.pem") as port:
        with pytest.raises(ImapFault, match="self-signed"):
            await ImapSession.open(scripted_account(port, security=Security.TLS), log=quiet)


async def test_a_port_that_speaks_without_encryption_is_named() -> None:
    async with scripted_imap() as server:
        with pytest.raises(ImapFault, match="without encryption") as caught:
            await ImapSession.open(scripted_account(server.port, security=Security.TLS), log=quiet)

    assert "STARTTLS" in caught.value.step


@asynccontextmanager
async def pinning(issued: trustme.LeafCert, pinned: str, tmp: object) -> AsyncIterator[Account]:
    """An account whose server presents `issued`, and that trusts the certificate `pinned` alone."""
    pem = issued.cert_chain_pems[0].bytes()
    async with presenting(pem, issued.private_key_pem.bytes(), f"{tmp}/server.pem") as port:
        yield scripted_account(port, security=Security.TLS, pinned_certificate=pinned)


def fingerprint(issued: trustme.LeafCert) -> str:
    """As Test Connection tells it."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())).hexdigest()


@pytest.mark.parametrize("name", ["127.0.0.1", "another.example"])
async def test_the_certificate_that_is_offered_is_trusted_once_it_is_pinned(tmp_path: object, name: str) -> None:
    issued = trustme.CA().issue_cert(name)
    found = await fault(issued, tmp_path, chain=1, trusted=None)
    assert found.fingerprint == fingerprint(issued)

    async with pinning(issued, found.fingerprint, tmp_path) as account:
        connection = await connect(account, log=quiet)
        connection.abort()


async def test_any_other_certificate_than_the_pinned_one_is_refused_even_of_a_known_ca(tmp_path: object) -> None:
    pinned, other = AUTHORITY.issue_cert("127.0.0.1"), AUTHORITY.issue_cert("127.0.0.1")

    async with pinning(other, fingerprint(pinned), tmp_path) as account:
        trusting = replace(account, ca_certificate=AUTHORITY.cert_pem.bytes().decode())
        with pytest.raises(ImapFault, match="not the one that is trusted") as caught:
            await connect(trusting, log=quiet)
    assert (caught.value.category, caught.value.fingerprint) == (Category.TLS, "")
