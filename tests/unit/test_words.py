"""The project says things in the words of the glossary: those of its own that it once had do not come back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("shared", "services", "deploy", "docs", "README.md", "CONTRIBUTING.md")
ENDINGS = {".py", ".html", ".js", ".sql", ".md"}
SPARED = ("docs/glossary.md", "shared/pipeline/postgres/migrations/")  # a migration that was applied never changes

# By what is said instead.
OLD = {
    "again": "anew",
    "timeout": "patience patient impatient",
    "dead letter": "burial burials buried buries bury burying autopsy homeless",
    "lease, worker or supervisor": "leash tenure seat seats roster",
    "stored": "shelter sheltered shelters",
    "outcome or result": "fate fates",
    "fix or repair": "mend mended mender mending mends",
    "request": "wish wished wishes",
    "backfill": "reread rereading rereads",
    "sign-in": "door doors",
    "slow": "dear dearer",
    "role or part": "fitting fittings kin office offices",
}
INSTEAD = {word: instead for instead, words in OLD.items() for word in words.split()}

# What a line may hold all the same: a name to the outside, or the word in its everyday meaning.
ALLOWED = re.compile(
    r"\bwish=|\bwish: ReparseOptions|\.wish\b|\"wish\"|\(wish, who|\bid, wish, who|\bwish +jsonb"  # of a reparse
    r"|\"fate\""  # a label of a metric
    r"|outlook\.office|office\.example|Office Mail Example|\boffice (document|suite)|out-of-office"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def old_words(line: str) -> list[str]:
    """The old words in a line, also as parts of names: `read_anew`, `RereadingBucket`."""
    words = (word.lower() for word in _WORD.findall(ALLOWED.sub(" ", line)))
    return [word for word in words if word in INSTEAD]


def _files() -> Iterator[Path]:
    for place in PLACES:
        start = ROOT / place
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in ENDINGS and path.is_file() and not name.startswith(SPARED):
                yield path


def test_no_old_word_comes_back() -> None:
    files = list(_files())
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word}, say {INSTEAD[word]}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for word in old_words(line)
    ]

    assert len(files) > 300
    assert found == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a folder is read anew", ["anew"]),
        ("def test_it_is_read_anew_and_mended(): ...", ["anew", "mended"]),
        ("class RereadingBucket:", ["rereading"]),
        ("PATIENCE_S = 20.0", ["patience"]),
        ("Anew!", ["anew"]),
        ("we recommend doors", ["doors"]),
        ("recommended, seated, kind", []),
        ('labels = ["stage", "fate"]', []),
        ("the fate of a mail", ["fate"]),
        ("an office document", []),
    ],
)
def test_an_old_word_is_seen_wherever_it_stands_by_itself(line: str, words: list[str]) -> None:
    assert old_words(line) == words
