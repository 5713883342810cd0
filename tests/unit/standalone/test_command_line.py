"""The `dmarq` command itself: its help answers without importing the system, and names what it does not know."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from dmarq.__main__ import COMMANDS, dmarq

HEAVY = {"nats", "asyncpg", "aiohttp", "lxml", "pydantic", "httpx", "pymap", "flask"}
HELP_THEN_MODULES = """
import sys
sys.argv = ["dmarq", "--help"]
from dmarq.__main__ import main
main()
print(*sorted(sys.modules))
"""


def test_help_imports_no_driver_and_no_model() -> None:
    told = subprocess.run([sys.executable, "-c", HELP_THEN_MODULES], capture_output=True, text=True, check=True).stdout
    imported = set(told.splitlines()[-1].split())
    assert "click" in imported
    assert not HEAVY & imported


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_help_is_there_and_explains_itself(name: str) -> None:
    told = CliRunner().invoke(dmarq, [name, "--help"])
    assert told.exit_code == 0
    assert told.output.startswith("Usage: ")
    assert COMMANDS[name][1] in CliRunner().invoke(dmarq, ["--help"], terminal_width=120).output


@pytest.mark.parametrize(("typed", "meant"), [("pares", "parse"), ("mailboxes", "mailbox"), ("statsu", "status")])
def test_a_mistyped_command_is_answered_with_the_nearest_one(typed: str, meant: str) -> None:
    told = CliRunner().invoke(dmarq, [typed])
    assert told.exit_code == 2
    assert f'Did you mean "{meant}"?' in told.output


def test_a_word_like_no_command_is_answered_with_the_help() -> None:
    told = CliRunner().invoke(dmarq, ["xyzzy"])
    assert told.exit_code == 2
    assert "dmarq --help" in told.output
