"""The secrets of the stack: made once, changed when they are deleted, never in the way of servers of one's own."""

import re
import subprocess
from pathlib import Path

import pytest

from pipeline.secrets import Keyring
from tests.support.deployment import DEPLOY, Secrets

URLS = ("fetcher/nats_url", "parser/nats_url", "parser/database_url", "migrate/database_url")
PASSWORDS = (
    "nats/fetcher",
    "nats/parser",
    "postgres/parser",
    "postgres/owner",
    "postgres/grafana",
)  # of the URLs, in order


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets.made(tmp_path)


def test_a_repeat_changes_nothing(secrets: Secrets) -> None:
    before = contents(secrets)

    assert contents(Secrets.made(secrets.volumes)) == before


def test_a_key_of_an_earlier_version_stays_behind_a_new_one(secrets: Secrets) -> None:
    (secrets.volumes / "config-api/secret_key").write_text(f"{'0123456789abcdef' * 3}\n")
    Secrets.made(secrets.volumes)
    keys = secrets.read("fetcher/secret_key")
    Secrets.made(secrets.volumes)

    assert keys.endswith(f",{'0123456789abcdef' * 3}")
    assert Keyring(keys)
    assert secrets.read("fetcher/secret_key") == keys


def test_what_follows_from_a_new_password_is_new_too(secrets: Secrets) -> None:
    for path in PASSWORDS:
        (secrets.volumes / path).unlink()
    Secrets.made(secrets.volumes)

    for url, password in zip(URLS, PASSWORDS, strict=False):
        assert f":{secrets.read(password)}@" in secrets.read(url)
    assert secrets.read("grafana/database_password") == secrets.read("postgres/grafana")
    assert f'FETCHER_PASSWORD: "{secrets.read("nats/fetcher")}"' in secrets.read("nats/passwords.conf")


@pytest.mark.parametrize("path", URLS)
def test_the_url_of_ones_own_server_stays(secrets: Secrets, path: str) -> None:
    (secrets.volumes / path).write_text("scheme://me:mine@elsewhere.example:1234\n")
    Secrets.made(secrets.volumes)

    assert secrets.read(path) == "scheme://me:mine@elsewhere.example:1234"


def test_the_mailboxes_of_the_demo_go_with_its_profile(secrets: Secrets) -> None:
    (secrets.volumes / "config-api/mailboxes.json").write_text('["the demo"]')
    Secrets.made(secrets.volumes)

    assert secrets.read("config-api/mailboxes.json") == "[]"


def documented(word: str) -> str:
    """The script with this word in it that docs/operations.md feeds to the shell of the container `prepare`."""
    text = (DEPLOY.parent / "docs/operations.md").read_text(encoding="utf-8")
    (found,) = (script for script in re.findall(r"sh prepare -c[\s\\\\]+'([^']*)'", text) if word in script)
    return str(found)


def do(script: str, secrets: Secrets) -> None:
    subprocess.run(["sh", "-c", script.replace("/volumes", str(secrets.volumes))], check=True)
    Secrets.made(secrets.volumes)


def test_the_key_is_rotated_by_what_the_documents_say(secrets: Secrets) -> None:
    old = secrets.read("config-api/secret_key")

    do(documented("/dev/urandom"), secrets)
    both = secrets.read("fetcher/secret_key")
    do(documented("cut -d, -f1"), secrets)
    new = secrets.read("fetcher/secret_key")

    assert both == f"{new},{old}"
    assert new != old


def test_passwords_are_rotated_by_what_the_documents_say(secrets: Secrets) -> None:
    before = {path: secrets.read(path) for path in (*URLS, *PASSWORDS, "postgres/superuser")}

    do(documented("rm nats/*"), secrets)

    same = {path for path, secret in before.items() if secrets.read(path) == secret}
    assert same == {"postgres/superuser"}


def contents(secrets: Secrets) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in secrets.volumes.rglob("*") if path.is_file()}
