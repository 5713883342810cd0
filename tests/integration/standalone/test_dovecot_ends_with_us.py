"""The mail server of the tests is not left behind by a test run that is killed."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.processes import children_of, ended

OWNER = """
import signal
from tests.support.dovecot import running_dovecot
with running_dovecot() as server:
    print(server.pid, server.imap_port, server.root, flush=True)
    signal.pause()
"""
ROOT = Path(__file__).parents[3]


def test_a_killed_owner_leaves_no_dovecot_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, port, root = owner.stdout.readline().split()
        with socket.create_connection(("127.0.0.1", int(port))) as session:
            assert session.recv(4) == b"* OK"
            family = [int(pid), *children_of(int(pid))]
            owner.kill()

    assert len(family) > 1
    assert ended(family)
    shutil.rmtree(root)
