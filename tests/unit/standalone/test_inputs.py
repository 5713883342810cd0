"""What `dmarq parse` and `dmarq import` read at a path."""

import io
import os
import resource
from pathlib import Path

import pytest

from dmarq.inputs import Input, inputs
from pipeline.contracts.reasons import Reason

MAIL = b"From: a@example.com\nSubject: x\n\nhello\n"
FROM_LINE = b"From a@example.com Wed Feb 12 16:00:00 2025\n"


def _read(*paths: Path, max_bytes: int = 1000) -> list[Input]:
    return list(inputs(paths, max_bytes=max_bytes))


def test_a_file_is_given_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a!b!1!2.xml"
    path.write_bytes(b"<feedback/>")

    assert _read(path) == [Input(str(path), b"<feedback/>")]


def test_a_directory_is_read_in_the_order_of_names_and_into_its_depth(tmp_path: Path) -> None:
    for name in ("b.xml", "a/2.gz", "a/1.zip", ".hidden", ".git/config", "c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    assert [item.data for item in _read(tmp_path)] == [b"b.xml", b"c", b"a/1.zip", b"a/2.gz"]


def test_a_maildir_gives_its_mails_and_not_the_server_s_notes(tmp_path: Path) -> None:
    for name in ("cur/1:2,S", "new/2", "tmp/3", "dovecot-uidlist", ".Sub/cur/4", ".Sub/new/5", ".Sub/dovecot.index"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    assert sorted(item.data for item in _read(tmp_path)) == [b".Sub/cur/4", b".Sub/new/5", b"cur/1:2,S", b"new/2"]


def test_an_mbox_gives_its_mails_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    path.write_bytes(b"\n".join([FROM_LINE + MAIL] * 3))
    found = _read(path)

    assert [item.label for item in found] == [f"{path}#1", f"{path}#2", f"{path}#3"]
    assert {item.data.strip() for item in found} == {(FROM_LINE + MAIL).strip()}


def test_a_line_in_a_mail_that_begins_with_from_does_not_split_it(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    path.write_bytes(FROM_LINE + MAIL + b"\nFrom now on, all is well.\n")

    assert [item.label for item in _read(path)] == [str(path)]


def test_an_eml_file_is_one_mail_even_with_an_mbox_line(tmp_path: Path) -> None:
    path = tmp_path / "saved.eml"
    path.write_bytes(FROM_LINE + MAIL + b"\n" + FROM_LINE + MAIL)

    assert len(_read(path)) == 1


def test_a_file_over_the_limit_is_refused_without_being_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 1 << 33)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert _read(path) == [Input(str(path), refused=Reason.ATTACHMENT_TOO_LARGE)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096  # kilobytes


def test_a_mail_of_an_mbox_over_the_limit_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    path.write_bytes(FROM_LINE + MAIL + b"x" * 5000 + b"\n\n" + FROM_LINE + MAIL)
    found = _read(path)

    assert [item.refused for item in found] == [Reason.MAIL_TOO_LARGE, None]
    assert found[1].data == FROM_LINE + MAIL


def test_a_path_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    found = _read(tmp_path / "missing", tmp_path)

    assert [(item.label, item.error) for item in found] == [(str(tmp_path / "missing"), "No such file or directory")]


def test_a_folder_that_vanishes_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"a")
    (tmp_path / "gone").mkdir()
    found = inputs([tmp_path], max_bytes=1000)

    assert next(found).data == b"a"
    (tmp_path / "gone").rmdir()
    assert [item.label for item in found if item.error] == [str(tmp_path / "gone")]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert [item.error for item in _read(tmp_path)] == ["not a regular file"]


def test_an_empty_file_is_given_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "empty.xml").touch()

    assert _read(tmp_path) == [Input(str(tmp_path / "empty.xml"))]


def test_standard_input_is_read_as_a_file_or_an_mbox(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for piped in (b"<feedback/>", b"\n".join([FROM_LINE + MAIL] * 2)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped)))
        found.append([item.label for item in _read(Path("-"))])
    assert found == [["-"], ["-#1", "-#2"]]
