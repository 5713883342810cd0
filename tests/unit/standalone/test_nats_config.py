"""The embedded NATS server and the one in containers have the same limits."""

import re
import subprocess
from pathlib import Path

from dmarq.embedded.nats import CONFIG
from dmarq.embedded.programs import nats_server
from tests.support.deployment import DEPLOY, Secrets, nats_configuration


def test_the_largest_payload_is_the_same() -> None:
    texts = (CONFIG.template, (DEPLOY / "nats.conf").read_text(encoding="utf-8"))
    embedded, container = (re.search(r"^max_payload: (\w+)$", text, re.MULTILINE) for text in texts)

    assert embedded is not None
    assert container is not None
    assert embedded[1] == container[1]


def test_the_config_for_containers_is_valid(tmp_path: Path) -> None:
    config = nats_configuration(tmp_path / "conf", Secrets.made(tmp_path / "volumes"))

    done = subprocess.run([nats_server(), "-t", "-c", config], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
