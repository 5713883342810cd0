"""The embedded NATS server and the one in containers have the same limits."""

import re
import subprocess
from pathlib import Path

from dmarq.embedded.nats import CONFIG
from dmarq.embedded.programs import nats_server

FOR_CONTAINERS = Path(__file__).parents[3] / "deploy" / "nats.conf"


def test_the_largest_payload_is_the_same() -> None:
    embedded, container = (
        re.search(r"^max_payload: (\w+)$", text, re.MULTILINE) for text in (CONFIG.template, FOR_CONTAINERS.read_text())
    )

    assert embedded is not None
    assert container is not None
    assert embedded[1] == container[1]


def test_the_config_for_containers_is_valid() -> None:
    done = subprocess.run([nats_server(), "-t", "-c", FOR_CONTAINERS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
