"""Attacks with a service's own rights, on the secrets that it can reach, and on the store of refused mail.

python -m tests.attack.rights
"""

import os
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings
from pipeline.jetstream.mailboxes import SealedMailbox, seal, unseal
from pipeline.runtime.quota import Kept, superfluous
from pipeline.secrets import BadSecretKey, Keyring
from tests.attack import Row
from tests.support.deployment import GuardedNats, Secrets, guarded_nats
from tests.support.keys import ONE_KEY
from tests.support.rights import EVERYTHING, MAY, REQUESTS, USERS, makings, migrations, readings, refused, subscriptions

KEYS = Keyring(ONE_KEY)
OAUTH: dict[str, Any] = {"client_id": "me", "token_endpoint": "https://login.example.com/token"}
SETTINGS: dict[str, Any] = {
    "name": "Reports", "host": "mail.example.com", "username": "reports", "auth": "xoauth2", "oauth": OAUTH,
}  # fmt: skip
EVIL = "evil.example.net"
ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"host": EVIL},
    {"port": 143},
    {"username": "eve"},
    {"security": "none"},
    {"security": "starttls"},
    {"verify_certificate": False},
    {"ca_certificate": "of somebody else"},
    {"proxy": {"host": EVIL, "port": 1080}},
    {"oauth": None},
    *({"oauth": OAUTH | {name: f"https://{EVIL}/"}} for name in ("token_endpoint", "device_endpoint")),
    {"oauth": OAUTH | {"client_id": "eve"}},
)
GUESSABLE = (
    "password",
    "a" * 64,
    "0123456789" * 8,
    "correct horse battery staple " * 4,
    "letmein-letmein-letmein-letmein-letmein",
)
FLOOD, OTHERS, LETTER_BYTES = 20_000, 200, 10_000


async def run() -> list[Row]:
    """All of them, on a NATS of its own."""
    with tempfile.TemporaryDirectory(prefix="dmarq-attack-") as name:
        secrets = Secrets.made(Path(name) / "volumes")
        with guarded_nats(Path(name) / "nats", secrets) as server:
            of_users = [await attack(secrets, server) for attack in (_read, _make_streams, _publish, _overhear)]
    return [*of_users, _point_elsewhere(), _guess_the_key(), _flood_the_dead_letters()]


async def _read(secrets: Secrets, server: GuardedNats) -> Row:
    tried, succeeded = 0, 0
    for user in USERS:
        ways = tuple(w for stream in EVERYTHING if stream not in MAY[user].reads for w in readings(stream))
        tried += len(ways)
        succeeded += len(ways) - len(await refused(user, secrets, server, publish=ways))
    return _row("each NATS user reads the streams and buckets of others", tried, succeeded)


async def _make_streams(secrets: Secrets, server: GuardedNats) -> Row:
    tried, succeeded = 0, 0
    for user in USERS:
        own = migrations() if MAY[user].makes_streams else frozenset()
        ways = tuple(way for way in makings() if way not in own)
        tried += len(ways)
        succeeded += len(ways) - len(await refused(user, secrets, server, publish=ways))
    return _row("each makes, changes or deletes streams: sources, mirrors, republish", tried, succeeded)


async def _publish(secrets: Secrets, server: GuardedNats) -> Row:
    tried, succeeded = 0, 0
    for user in USERS:
        own = MAY[user].writes | MAY[user].asks
        ways = tuple(subject for stream, subject in _publishable() if stream not in own)
        tried += len(ways)
        succeeded += len(ways) - len(await refused(user, secrets, server, publish=ways))
    return _row("each publishes and asks what is not its work", tried, succeeded)


async def _overhear(secrets: Secrets, server: GuardedNats) -> Row:
    tried, succeeded = 0, 0
    for user in USERS:
        ways = tuple(dict.fromkeys(subscriptions(user)))
        tried += len(ways)
        succeeded += len(ways) - len(await refused(user, secrets, server, subscribe=ways))
    return _row("each listens to requests and answers meant for others", tried, succeeded)


def _publishable() -> Iterator[tuple[str, str]]:
    yield from EVERYTHING.items()
    yield from ((subject, subject) for subject in REQUESTS)


def _point_elsewhere() -> Row:
    secrets = MailboxSecrets.model_validate({"refresh_token": "secret"})
    sealed = seal(
        Mailbox(id="box", version=1, settings=MailboxSettings.model_validate(SETTINGS), secrets=secrets), KEYS
    )
    moved = [
        sealed.model_copy(update={"settings": MailboxSettings.model_validate(SETTINGS | change)})
        for change in ELSEWHERE
    ]
    moved.append(sealed.model_copy(update={"id": "other"}))
    return _row("a sealed secret is put beside another host, provider or mailbox", len(moved), sum(map(_opens, moved)))


def _opens(sealed: SealedMailbox) -> bool:
    try:
        unseal(sealed, KEYS)
    except BadSecretKey:
        return False
    return True


def _guess_the_key() -> Row:
    weak = [*GUESSABLE, b64encode(os.urandom(16)).decode(), os.urandom(24).hex()]
    return _row("the service starts with a key of less than 32 random bytes", len(weak), sum(map(_is_taken, weak)))


def _is_taken(key: str) -> bool:
    try:
        Keyring(key)
    except BadSecretKey:
        return False
    return True


def _flood_the_dead_letters() -> Row:
    """Others' letters come first, so that they are the oldest."""
    at = datetime.now(UTC)
    kept = [Kept(number, "box", f"sender{number}", LETTER_BYTES, at) for number in range(OTHERS)]
    kept += [Kept(OTHERS + number, "box", "flood", LETTER_BYTES, at) for number in range(FLOOD)]
    quota = (OTHERS + FLOOD // 10) * LETTER_BYTES
    gone = superfluous(kept, max_bytes=quota, not_before=None)
    lost = sum(number < OTHERS for number in gone)
    left = (len(kept) - len(gone)) * LETTER_BYTES
    return Row(
        f"{FLOOD:,} refused mails of one sender fill the dead letters",
        f"{quota // 1_000_000} MB kept, no letter of another lost",
        f"{left // 1_000_000} MB kept, {lost} lost",
        left <= quota and lost == 0,
    )


def _row(attack: str, tried: int, succeeded: int) -> Row:
    return Row(attack, f"none of {tried:,} ways", f"{succeeded:,} succeeded", succeeded == 0)
