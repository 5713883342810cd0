"""Keeps a data directory as this version leaves it, for the upgrade tests of all later ones: `make keep-version`.

It runs `dmarq run`, sends it sample emails and a mailbox, stops it, and writes its backup, compressed well.
"""

import json
import lzma
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from dmarq.embedded.programs import LOOPBACK, free_port
from dmarq.samples import make_mails
from pipeline.settings import process_environment
from tests.support.failures import arf

HERE = Path(__file__).parent
DMARQ = Path(sys.prefix) / "bin" / "dmarq"
FAILED = "From: a@b.example\nSubject: Report Domain: example.com\nContent-Type: application/gzip\n\nx\n"
MAILBOX = {"id": "reports", "name": "Reports", "host": "imap.invalid", "username": "r", "enabled": False}


def main() -> None:
    """Writes the file."""
    with tempfile.TemporaryDirectory(prefix="dmarq-keep-") as name:
        place = Path(name)
        place.chmod(0o711)
        (place / "emails").mkdir()
        for number, mail in enumerate(make_mails(24, seed=7)):
            (place / "emails" / f"{number}.eml").write_bytes(mail.raw)
        (place / "emails" / "failure.eml").write_text(arf())
        (place / "emails" / "failed.eml").write_text(FAILED)
        (place / "secret").write_text("correct horse")
        (place / "mailboxes.json").write_text(json.dumps([MAILBOX | {"password": {"file": "secret"}}]))
        environment = process_environment() | {
            "DMARQ_DATA_DIR": str(place / "data"),
            "DMARQ_HTTP_ADDRESS": f"{LOOPBACK}:{free_port()}",
        }
        with subprocess.Popen([DMARQ, "run"], env=environment, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            assert any("stop with Ctrl-C" in line for line in running.stdout)
            subprocess.run([DMARQ, "mailbox", "apply", place / "mailboxes.json"], env=environment, check=True)
            subprocess.run([DMARQ, "import", place / "emails"], env=environment, check=False)
            running.send_signal(signal.SIGTERM)
        subprocess.run([DMARQ, "backup", place / "backup"], env=environment, check=True)
        unpacked = subprocess.run(["gzip", "-dc", place / "backup"], check=True, capture_output=True).stdout
    kept = HERE / f"kept-{version('dmarq')}.backup.xz"
    kept.write_bytes(lzma.compress(unpacked, preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
