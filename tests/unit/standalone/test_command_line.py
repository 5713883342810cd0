"""The `dmarq` command itself: its help answers without importing the system, and names what it does not know."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dmarq.__main__ import COMMANDS, dmarq, main

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


def test_a_backup_that_is_not_there_is_named_in_words() -> None:
    told = CliRunner().invoke(dmarq, ["restore", "missing"])
    assert told.exit_code == 2
    assert "File 'missing' does not exist" in told.output


def test_an_error_of_the_system_is_told_without_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "passphrase"
    wanted = ["dmarq", "backup", str(tmp_path / "file"), "--passphrase-file", str(missing)]
    monkeypatch.setattr(sys, "argv", wanted)

    assert main() == 1
    assert capsys.readouterr().err == f"dmarq: {missing}: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("backup", "file", "--encrypt"), "--passphrase-file"), (("dead", "discard", "17"), "nobody answered")],
)
def test_a_question_without_a_terminal_ends_with_a_sentence(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "dmarq", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    assert told.returncode != 0
    assert says in told.stderr
    assert "Traceback" not in told.stderr
