"""The `dmarq` command itself: its help answers without importing the system, and names what it does not know."""

import subprocess
import sys

import click
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


@pytest.mark.parametrize(
    ("typed", "meant"), [(("mailbox", "tets"), "test"), (("dead", "lsit"), "list"), (("mailbox", "aply"), "apply")]
)
def test_a_mistyped_command_of_a_group_is_answered_with_the_nearest_one(typed: tuple[str, ...], meant: str) -> None:
    told = CliRunner().invoke(dmarq, list(typed))
    assert told.exit_code == 2
    assert f'Did you mean "{meant}"?' in told.output


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    names = command.list_commands(context)
    below = [(name, command.get_command(context, name)) for name in names]
    return [path, *(found for name, sub in below if sub is not None for found in every_command(sub, (*path, name)))]


@pytest.mark.parametrize("path", [path for path in every_command(dmarq) if path], ids=" ".join)
def test_the_help_of_every_command_shows_how_it_is_called(path: tuple[str, ...]) -> None:
    told = CliRunner().invoke(dmarq, [*path, "--help"])
    assert "Example" in told.output
    assert f"dmarq {path[0]}" in told.output.partition("Example")[2]


def test_a_word_like_no_command_is_answered_with_the_help() -> None:
    told = CliRunner().invoke(dmarq, ["xyzzy"])
    assert told.exit_code == 2
    assert "dmarq --help" in told.output
