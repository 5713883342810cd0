"""The servers that `dmarq` brings along: NATS and PostgreSQL as child processes in one data directory.

    with DataDir(path) as data, EmbeddedNats(data) as nats, EmbeddedPostgres(data) as postgres:
        ...nats.url, postgres.url

Linux and macOS. Nothing of it outlives the process that started it, however that process ends.
"""

from dmarq.embedded.datadir import DataDir, temporary_data_dir
from dmarq.embedded.errors import (
    BinaryMissing,
    ChildFailed,
    DataDirBusy,
    EmbeddedError,
    Unreachable,
)
from dmarq.embedded.mailbox import EmbeddedMailbox
from dmarq.embedded.nats import EmbeddedNats
from dmarq.embedded.postgres import EmbeddedPostgres

__all__ = [
    "BinaryMissing",
    "ChildFailed",
    "DataDir",
    "DataDirBusy",
    "EmbeddedError",
    "EmbeddedMailbox",
    "EmbeddedNats",
    "EmbeddedPostgres",
    "Unreachable",
    "temporary_data_dir",
]
