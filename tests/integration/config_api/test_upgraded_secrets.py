"""What an earlier version sealed is sealed again at the start, bound to where it is sent."""

import asyncio
import json

import asyncpg

from pipeline.jetstream.mailboxes import SealedMailbox, unseal
from pipeline.secrets import Keyring
from pipeline.settings import Settings
from tests.support.config_api import running_api
from tests.support.keys import OTHER_KEY, sealed_as_before
from tests.support.services import SECRET_KEY


async def _to_the_earlier_form(url: str, key: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE mailbox SET secret = $1", sealed_as_before(json.dumps({"password": "kept"}), key))
    await connection.close()


async def _stored(url: str) -> SealedMailbox:
    connection = await asyncpg.connect(url)
    row = await connection.fetchrow("SELECT id, version, settings, secret FROM mailbox")
    await connection.close()
    assert row is not None
    return SealedMailbox.model_validate({**dict(row), "settings": json.loads(row["settings"])})


def test_secrets_of_an_earlier_version_are_sealed_again_at_the_start(settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    with running_api(settings) as api:
        api.add_mailbox()
    asyncio.run(_to_the_earlier_form(url, SECRET_KEY))

    with running_api(settings) as api:
        (listed,) = api("GET", "/mailboxes").json["items"]  # type: ignore[index]

    sealed = asyncio.run(_stored(url))
    assert listed["has_password"] is True
    assert unseal(sealed, Keyring(SECRET_KEY)).secrets.password.get_secret_value() == "kept"


def test_what_no_key_opens_is_left_for_somebody_to_enter_again(settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    with running_api(settings) as api:
        api.add_mailbox()
    asyncio.run(_to_the_earlier_form(url, OTHER_KEY))

    with running_api(settings) as api:
        (listed,) = api("GET", "/mailboxes").json["items"]  # type: ignore[index]

    assert listed["has_password"] is False
    assert not asyncio.run(_stored(url)).secret.startswith("v2.")
