"""The data directory: one holder, secrets that stay, logs that do not grow for ever."""

import stat
from pathlib import Path

import pytest

from dmarq.embedded import DataDir, DataDirBusy, temporary_data_dir
from dmarq.embedded.child import MAX_LOG_BYTES, last_words, open_log
from pipeline.secrets import Keyring


def test_a_second_holder_is_refused(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as first, pytest.raises(DataDirBusy, match="is in use by process"):
        DataDir(first.path).__enter__()


def test_the_directory_is_free_again_after_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with DataDir(tmp_path / "data") as data:
            assert data.path.is_dir()


def test_a_secret_stays_the_same_and_is_private(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        secret = data.secret("nats")

        assert len(secret) == 43  # 32 bytes in base64
        assert secret == data.secret("nats")
        assert secret != data.secret("postgres")
        assert stat.S_IMODE((data.path / "nats.secret").stat().st_mode) == 0o600


def test_a_temporary_directory_is_gone_afterwards() -> None:
    with temporary_data_dir() as data:
        (data.path / "file").touch()

    assert not data.path.exists()


def test_a_large_log_is_turned_over(tmp_path: Path) -> None:
    path = tmp_path / "log" / "nats.log"
    with open_log(path) as log:
        log.truncate(MAX_LOG_BYTES + 1)
    with open_log(path) as log:
        log.write(b"again")

    assert path.read_bytes() == b"again"
    assert path.with_name("nats.log.1").stat().st_size == MAX_LOG_BYTES + 1


def test_the_last_words_are_the_last_lines_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("long ago\n" * 500 + "one\ntwo\nthree\n")

    assert last_words(path) == "one | two | three"


def test_a_key_of_an_earlier_version_stays_behind_a_new_one(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        (data.path / "secret-key.secret").write_text("0123456789abcdefghijklmnopqrstuv")

        keys = data.key_list("secret-key")

        assert keys.endswith(",0123456789abcdefghijklmnopqrstuv")
        assert Keyring(keys)
        assert data.key_list("secret-key") == keys
