"""The fetcher as a process, with a key that opens no mailbox's password."""

import subprocess
import sys

import pytest

from pipeline.settings import process_environment

NOBODY = "nats://127.0.0.1:1"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "fetcher: DMARQ_SECRET_KEY is not set; make one with: openssl rand -base64 32\n"),
        (
            "a key that somebody thought up",
            "fetcher: DMARQ_SECRET_KEY can be guessed: its first key must hold 32 random bytes; make one with: openssl"
            " rand -base64 32 - and put it before the present one, with a comma in between\n",
        ),
    ],
)
def test_a_bad_secret_key_ends_it_with_one_line_before_nats_is_looked_for(key: str, said: str) -> None:
    environment = {**process_environment(), "DMARQ_NATS_URL": NOBODY, "DMARQ_SECRET_KEY": key}
    command = [sys.executable, "-m", "fetcher"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stderr) == (78, said)
