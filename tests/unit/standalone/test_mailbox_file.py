"""What a file of mailboxes may say, and how a fault in it is told."""

from pathlib import Path

import pytest

from dmarq.mailbox_file import BadMailboxFile, read

ONE = "- {name: A, host: imap.example.com, username: a@example.com"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "a list of mailboxes is needed"),
        ("mailboxes: {}", "a list of mailboxes is needed"),
        ("- 3", "mailbox 1: an object is needed"),
        (f"{ONE}, password: hunter2}}", "a secret is not written into the file"),
        (f"{ONE}, password: {{env: DMARQ_NOBODY_SETS_THIS}}}}", "DMARQ_NOBODY_SETS_THIS is not set"),
        (f"{ONE}, password: {{file: nowhere}}}}", "nowhere: No such file"),
        (f"{ONE}, prot: 993}}", "prot: There is no such field."),
        (f"{ONE}, port: 0}}", "mailbox 1 (A): port: "),
        (f"{ONE}, id: 'A B'}}", "id: "),
        (f"{ONE}}}\n{ONE}}}", "two mailboxes have the name 'A'"),
        (f"{ONE}, name: B}}", "a name is there twice"),
        ("a: &a [x]\nb: *a", "aliases"),
        ("- {", "no YAML"),
        ('[{"name": }]', "no JSON"),
        ('[{"name": "A", "host": "a", "name": "B"}]', "no JSON: a name is there twice"),
        ('{"mailboxes": [], "mailboxes": []}', "no JSON: a name is there twice"),
        ("[NaN]", "no JSON: NaN"),
        ("[" + "9" * 5000 + "]", "no JSON: nested too deep, or a number"),
        ("[" * 100_000, "nested too deep"),
        ("- " * 100_000, "nested too deep"),
        ('- !!int ""', "line 1: a value that cannot be read"),
        ("- !!bool x", "line 1: a value that cannot be read"),
        ("- !!timestamp x", "line 1: a value that cannot be read"),
        (f'{ONE}, password: {{file: "a\\0b"}}}}', "cannot be the name of a file"),
        (
            '[{"name": "A", "host": "h", "username": "a", "password": {"file": "\\ud800"}}]',
            "cannot be the name of a file",
        ),
    ],
)
def test_a_fault_is_told_in_one_line_without_a_secret(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mailboxes.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BadMailboxFile) as caught:
        read(path)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "mailboxes.yaml"
    path.write_bytes(b"#" * 5_000_000)

    with pytest.raises(BadMailboxFile, match="larger than"):
        read(path)
